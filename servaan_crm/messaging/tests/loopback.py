"""The loopback gateway inside a test: a real server on a free port, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from servaan_crm.messaging.gateways.loopback import LoopbackServer


class Loopback:
    """Handle of a running gateway."""

    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.url = server.url

    def control(self, action: str, **data: Any) -> None:
        """Plan an accident or set a value, as ``/_control/<action>`` does."""
        self.server.control(action, data)

    @property
    def counters(self) -> dict[str, int]:
        """Totals as ``/_phones`` tells them."""
        return self.server.phones()["counters"]

    def received(self) -> dict[str, list[dict[str, Any]]]:
        """Phone number → texts, newest first."""
        return self.server.phones(limit=1_000_000)["phones"]

    def sent_once(self) -> bool:
        """No phone got the same text twice, and no localid was sent under two message ids."""
        rows = [(phone, row["message"]) for phone, texts in self.received().items() for row in texts]
        return len(rows) == len(set(rows))

    def remaining_accidents(self) -> int:
        """How many planned faults were not used."""
        return sum(accident.times for accident in self.server.store.accidents)


@contextmanager
def start_loopback(**options: Any) -> Iterator[Loopback]:
    """Run a gateway for the length of the block."""
    server = LoopbackServer(0, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Loopback(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
