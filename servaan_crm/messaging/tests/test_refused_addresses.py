"""Letters that come back, and guests who complain: reported by a hosted mail service, often, late and in any order."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from servaan_crm.core import events
from servaan_crm.core.events import dispatch_pending
from servaan_crm.core.ids import uuid7
from servaan_crm.messaging import services
from servaan_crm.messaging.gateways.base import SendResult
from servaan_crm.messaging.gateways.email import EmailGateway
from servaan_crm.messaging.models import BlockedNumber, Channel, EarlyReport, Message, ProviderAccount
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.services.privacy import erase_texts
from servaan_crm.messaging.tests.helpers import states
from servaan_crm.messaging.tests.loopback import Loopback

MAIL = "guest@mail.example"


class Post:
    """The café's account at a hosted mail service, what it sends and what it reports."""

    def __init__(self, host: str) -> None:
        self.account = ProviderAccount.objects.create(
            name="Brevo", adapter="email", channel="email", api_key="k", sender="news@cafe.example",
            options='{"service": "brevo"}',
        )  # fmt: skip
        self._client = Client(headers={"host": host})

    def write(self, *, to: str = MAIL, guest: UUID | None = None, purpose: str = "marketing") -> Message:
        """Send one letter."""
        letter = MessageDraft(recipient=to, body="Hi", kind="campaign", purpose=purpose, channel=Channel.EMAIL,
                              customer_id=guest)  # fmt: skip
        [key] = queue_messages([letter])
        services.dispatch_until_idle()
        return Message.objects.get(pk=key)

    def tell(self, event: str, provider_id: str, secret: str = "") -> int:
        """Report as Brevo does; returns how much was new."""
        path = f"/api/callbacks/email/status/{secret or self.account.callback_secret}"
        body = {"event": event, "email": MAIL, "message-id": f"<{provider_id}>", "ts_epoch": 1}
        answer = self._client.post(path, json.dumps(body), content_type="application/json")
        if answer.status_code != 200:
            return -answer.status_code
        return int(answer.json()["data"]["changed"])


@pytest.fixture
def post(outbox: Loopback, committed_cafe: Any, monkeypatch: pytest.MonkeyPatch) -> Post:
    def send(_self: EmailGateway, rows: Any) -> list[SendResult]:
        return [SendResult(row.local_id, provider_id=f"b-{row.local_id}") for row in rows]

    monkeypatch.setattr(EmailGateway, "send_batch", send)
    EarlyReport.objects.all().delete()
    return Post(committed_cafe.host)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The guests whose no was published, as the rooms above hear it."""
    found: list[str] = []
    note = {"test": lambda payload: found.append(payload["customer_id"])}
    monkeypatch.setattr(events, "_subscribers", {"message.refused": note})
    return found


def test_a_hard_bounce_ends_advertising_to_that_address(post: Post) -> None:
    letter = post.write()
    assert letter.state == "sent"
    assert post.tell("hard_bounce", letter.provider_message_id) == 2
    assert post.tell("hard_bounce", letter.provider_message_id) == 0
    assert BlockedNumber.objects.get().recipient == MAIL
    letter.refresh_from_db()
    assert letter.state == "undelivered"
    refused = post.write()
    assert (refused.state, refused.error_code) == ("blocked", "gone")
    assert refused.reason
    # A receipt is asked for by the guest; when it arrives, the mailbox is there again.
    receipt = post.write(purpose="transactional")
    assert receipt.state == "sent"
    post.tell("delivered", receipt.provider_message_id)
    assert not BlockedNumber.objects.exists()
    assert post.write().state == "sent"


def test_an_old_letter_that_is_reported_late_takes_nothing_off_the_list(post: Post) -> None:
    """It arrived before the mailbox was closed, and its report comes last."""
    first, second = post.write(), post.write()
    post.tell("hard_bounce", second.provider_message_id)
    post.tell("delivered", first.provider_message_id)
    assert BlockedNumber.objects.exists()
    first.refresh_from_db()
    assert first.state == "delivered"


def test_a_soft_bounce_is_about_the_letter_alone(post: Post) -> None:
    letter = post.write()
    post.tell("soft_bounce", letter.provider_message_id)
    assert states() == {"undelivered": 1}
    assert not BlockedNumber.objects.exists()
    post.tell("delivered", letter.provider_message_id)
    assert states() == {"delivered": 1}


def test_a_complaint_is_a_no_and_taken_down_once(post: Post, heard: list[str]) -> None:
    guest = uuid7()
    letter = post.write(guest=guest)
    for event in ("spam", "spam", "unsubscribe", "delivered", "opened", "spam"):
        post.tell(event, letter.provider_message_id)
        dispatch_pending()
    assert heard == [str(guest)]
    assert states() == {"delivered": 1}
    assert not BlockedNumber.objects.exists()


def test_a_complaint_of_somebody_unknown_blocks_the_address(post: Post) -> None:
    letter = post.write()
    post.tell("spam", letter.provider_message_id)
    assert BlockedNumber.objects.get().recipient == MAIL


def test_a_report_that_overtakes_our_own_note_is_kept(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service refuses a known-bad address before its answer to us is written down."""

    def send(_self: EmailGateway, rows: Any) -> list[SendResult]:
        return [SendResult(row.local_id, provider_id="b-early") for row in rows]

    monkeypatch.setattr(EmailGateway, "send_batch", send)
    post.tell("hard_bounce", "b-early")
    assert EarlyReport.objects.get().refusal == "gone"
    letter = post.write()
    assert letter.state == "undelivered"
    assert BlockedNumber.objects.get().recipient == MAIL


def test_a_server_that_says_at_once_that_there_is_no_mailbox(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    from servaan_crm.messaging.gateways.base import PermanentError

    def send(_self: EmailGateway, rows: Any) -> list[SendResult]:
        error = PermanentError("recipient refused", code="5.1.1")
        return [SendResult(row.local_id, error=error, address_is_gone=True) for row in rows]

    monkeypatch.setattr(EmailGateway, "send_batch", send)
    assert post.write().state == "failed"
    assert BlockedNumber.objects.get().recipient == MAIL


def test_nobody_else_reports_for_this_account(post: Post) -> None:
    letter = post.write()
    other = ProviderAccount.objects.create(
        name="Other", adapter="email", channel="email", api_key="k", sender="x@cafe.example", priority=99,
        options='{"service": "brevo"}',
    )  # fmt: skip
    assert post.tell("spam", letter.provider_message_id, secret="guessed") == -404
    assert post.tell("hard_bounce", letter.provider_message_id, secret=other.callback_secret) == 0
    assert states() == {"sent": 1}
    assert not BlockedNumber.objects.exists()


def test_a_forgotten_guest_leaves_no_address_behind(post: Post) -> None:
    guest = uuid7()
    letter = post.write(guest=guest)
    post.tell("hard_bounce", letter.provider_message_id)
    assert letter.sent_at < timezone.now()
    erase_texts(customer_ids=[guest], phones=[], recipient="gone@erased.example")
    assert not BlockedNumber.objects.exists()
