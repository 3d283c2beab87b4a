"""A worker in a process of its own, to be killed: ``python -m … <schema> <where it stops>``.

It prints how many runs it has taken when it has reached that point, and then waits for its end.
"""

from __future__ import annotations

import sys
import time

import django


def main(schema: str, stop: str) -> None:
    """Work for ``schema`` and stop "after-claim" or "before-commit", when everything is done but the commit."""
    django.setup()
    from django.db import transaction
    from django.utils import timezone
    from django_tenants.utils import tenant_context

    from campaigns.automations import engine
    from campaigns.automations.perform import perform
    from campaigns.models import Automation
    from servaan_crm.l10n.locale import use_locale
    from servaan_crm.tenancy.models import Cafe

    cafe = Cafe.objects.get(schema_name=schema)
    with tenant_context(cafe), use_locale(cafe.locale), transaction.atomic():
        claimed = engine.claim(timezone.now())
        if stop == "before-commit":
            for automation_id, cases in claimed.items():
                perform(Automation.objects.get(pk=automation_id), cases, now=timezone.now())
        sys.stdout.write(f"{sum(len(cases) for cases in claimed.values())}\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:3])
