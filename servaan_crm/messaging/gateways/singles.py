"""Sending by providers that take one message a call: several calls at once, and an end when the account is at fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from servaan_crm.messaging.gateways.base import (
    Gateway,
    GatewayConfig,
    GatewayError,
    OutgoingMessage,
    PermanentError,
    RetryableError,
    SendResult,
)
from servaan_crm.messaging.gateways.batches import deferred
from servaan_crm.messaging.gateways.http import HttpClient

WORKERS = 8  # as many as an ``HttpClient`` has connections
BATCH_SECONDS = 60.0  # a slow provider gets no more of a batch after this long


def send_each(
    messages: Sequence[OutgoingMessage],
    call: Callable[[OutgoingMessage], SendResult],
    *,
    workers: int = WORKERS,
) -> list[SendResult]:
    """Send every message by a ``call`` of its own; one result per message, in their order.

    ``call`` raises ``GatewayError``. A refusal of one message does not hold the others up; whatever the next one
    would meet as well (no connection, key, credit, throttling, no answer) keeps back what was not begun yet, as
    surely not sent.
    """
    until = time.monotonic() + BATCH_SECONDS
    stop = threading.Event()
    reason: list[GatewayError] = []

    def one(message: OutgoingMessage) -> SendResult:
        if stop.is_set():
            return SendResult(message.local_id, error=deferred(reason[0]))
        if time.monotonic() > until:
            return SendResult(message.local_id, error=RetryableError("the provider is slow", code="slow"))
        try:
            return call(message)
        except GatewayError as error:
            if _concerns_all(error):
                reason.append(error)
                stop.set()
            return SendResult(message.local_id, error=error)

    if len(messages) < 2 or workers < 2:
        return [one(message) for message in messages]
    with ThreadPoolExecutor(max_workers=min(workers, len(messages))) as pool:
        return list(pool.map(one, messages))


def _concerns_all(error: GatewayError) -> bool:
    if isinstance(error, RetryableError):
        return bool(error.pause)
    return not isinstance(error, PermanentError)


class SinglesGateway(Gateway):
    """Base of adapters whose provider takes one message a call over HTTP and reports by callback alone."""

    has_polling: ClassVar[bool] = False
    has_credit: ClassVar[bool] = False
    default_base_url: ClassVar[str]
    workers: ClassVar[int] = WORKERS

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        self._client = HttpClient(config.base_url or self.default_base_url, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """What goes along with every call: the key."""
        raise NotImplementedError

    def send_one(self, message: OutgoingMessage) -> SendResult:
        """Send one message. Raises ``GatewayError``."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to ``batch_size`` messages, several at a time; every message gets a result."""
        return send_each(messages, self.send_one, workers=self.workers)
