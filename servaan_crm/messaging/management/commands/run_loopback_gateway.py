"""Run the loopback SMS gateway in the foreground."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from servaan_crm.messaging.gateways.loopback import LoopbackServer


class Command(BaseCommand):
    """Serve until SIGINT or SIGTERM. Needs no database."""

    help = "Run a local SMS gateway that speaks Kavenegar's format; nothing leaves this machine."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Command line of the gateway."""
        parser.add_argument("--port", type=int, default=8790)
        parser.add_argument("--state", type=Path, help="file that keeps what was sent over a restart")
        parser.add_argument("--key", default="", help="the only API key to accept (default: any)")
        parser.add_argument("--keep", type=int, default=100_000, help="how many messages to remember")
        parser.add_argument("--pace", type=float, default=1.0, help="seconds between two delivery statuses")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; exits with one sentence when the port is taken."""
        try:
            server = LoopbackServer(
                options["port"],
                state=options["state"],
                api_key=options["key"],
                keep=options["keep"],
                pace=options["pace"],
            )
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error.strerror}") from None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
        self.stdout.write(f"loopback SMS gateway on {server.url}")
        self.stdout.flush()
        server.serve_forever(poll_interval=0.2)
        server.server_close()
