"""``manage.py create_demo``: the cafés one can try Servaan with."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from checkout.simulation.demo import PASSWORD, NotADemo, create_demo


class Command(BaseCommand):
    help = "Create the demonstration cafés demo, servaan and dombivli; running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SETTINGS_MODULE.endswith(".production"):
            raise CommandError(
                "the demonstration has users with a published password; it is not for production"
            )
        started = time.monotonic()
        try:
            create_demo(progress=self.stdout.write)
        except NotADemo as error:
            raise CommandError(str(error)) from None
        seconds = time.monotonic() - started
        self.stdout.write(self.style.SUCCESS(f"demonstration ready ({seconds:.1f} s), password {PASSWORD}"))
