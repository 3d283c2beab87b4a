"""A gateway that writes down what it was given: for channels no loopback server speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from servaan_crm.messaging.gateways.base import Gateway, OutgoingMessage, SendResult


class PaperGateway(Gateway):
    """Takes everything abroad, by any channel."""

    name = "paper"
    label = "Paper"
    channels = frozenset({"whatsapp", "push", "email"})
    countries = frozenset({"-IR"})
    has_polling = False
    sent: ClassVar[list[OutgoingMessage]] = []
    gone: ClassVar[set[str]] = set()

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Accept all; those in ``gone`` are told to be gone."""
        from servaan_crm.messaging.gateways.base import PermanentError

        self.sent.extend(messages)
        return [
            SendResult(one.local_id, error=PermanentError("gone"), address_is_gone=True)
            if one.recipient in self.gone
            else SendResult(one.local_id, provider_id=str(one.local_id))
            for one in messages
        ]
