"""Delivery reports by callback and by polling, inbound texts: repeated, reordered, foreign, forged."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from django.test import Client
from django_tenants.utils import tenant_context

from servaan_crm.core.models import Event
from servaan_crm.messaging import services
from servaan_crm.messaging.callbacks import default_callback_secret
from servaan_crm.messaging.gateways.base import DeliveryState
from servaan_crm.messaging.models import InboundMessage, Message, ProviderAccount
from servaan_crm.messaging.tests.helpers import draft, due_now, queue, states
from servaan_crm.messaging.tests.loopback import Loopback


def sent_message(provider_id: str, **fields: Any) -> Message:
    """A message the provider has accepted."""
    (pk,) = services.queue_messages([draft(int(provider_id) % 1000)])
    values = {"state": "sent", "provider": "kavenegar", "provider_account": "default"}
    now = Message.objects.get(pk=pk).created_at
    Message.objects.filter(pk=pk).update(provider_message_id=provider_id, sent_at=now, **(values | fields))
    return Message.objects.get(pk=pk)


def report(provider_id: str, state: DeliveryState) -> bool:
    return services.record_delivery_report(provider="kavenegar", provider_message_id=provider_id, state=state)


@pytest.mark.usefixtures("cafe")
class TestReports:
    def test_repetition_changes_nothing(self) -> None:
        message = sent_message("101")
        assert report("101", DeliveryState.DELIVERED) is True
        message.refresh_from_db()
        first = message.delivered_at
        assert report("101", DeliveryState.DELIVERED) is False
        message.refresh_from_db()
        assert (message.state, message.delivered_at) == ("delivered", first)

    @pytest.mark.parametrize(
        "late",
        [DeliveryState.ACCEPTED, DeliveryState.UNDELIVERED, DeliveryState.FAILED, DeliveryState.UNKNOWN],
    )
    def test_delivered_is_never_taken_back(self, late: DeliveryState) -> None:
        message = sent_message("102")
        report("102", DeliveryState.DELIVERED)
        assert report("102", late) is False
        message.refresh_from_db()
        assert message.state == "delivered"

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            (DeliveryState.UNDELIVERED, "undelivered"),
            (DeliveryState.FAILED, "failed"),
            (DeliveryState.BLOCKED, "blocked"),
            (DeliveryState.CANCELLED, "cancelled"),
        ],
    )
    def test_bad_news_and_then_delivered_after_all(self, state: DeliveryState, expected: str) -> None:
        message = sent_message("103")
        assert report("103", state)
        message.refresh_from_db()
        assert message.state == expected
        assert not report("103", DeliveryState.UNKNOWN)
        assert report("103", DeliveryState.DELIVERED)
        message.refresh_from_db()
        assert (message.state, message.failed_at) == ("delivered", None)

    def test_any_order_of_a_batch_ends_the_same(self) -> None:
        for number in range(200, 220):
            sent_message(str(number))
        reports = [
            (str(number), state, "")
            for number in range(200, 220)
            for state in (DeliveryState.ACCEPTED, DeliveryState.UNDELIVERED, DeliveryState.DELIVERED)
        ] * 2
        random.Random(7).shuffle(reports)
        for start in range(0, len(reports), 11):
            services.record_delivery_reports(provider="kavenegar", reports=reports[start : start + 11])
        assert states() == {"delivered": 20}

    def test_another_providers_number_is_another_message(self) -> None:
        sent_message("104")
        assert not services.record_delivery_report(
            provider="twilio", provider_message_id="104", state=DeliveryState.DELIVERED
        )


def call(client: Client, kind: str, secret: str, form: str, data: dict[str, Any]) -> Any:
    url = f"/api/callbacks/kavenegar/{kind}/{secret}"
    if form == "get":
        return client.get(url, data)
    if form == "json":
        return client.post(url, json.dumps(data), content_type="application/json")
    return client.post(url, data)


@pytest.mark.parametrize("form", ["get", "form", "json"])
def test_status_callback_in_every_form(cafe: Any, form: str) -> None:
    message = sent_message("301")
    client = Client(SERVER_NAME=cafe.host, enforce_csrf_checks=True)
    answer = call(client, "status", default_callback_secret(), form, {"messageid": 301, "status": 10})
    with tenant_context(cafe.cafe):
        message.refresh_from_db()
    assert answer.status_code == 200
    assert message.state == "delivered"


@pytest.mark.parametrize(
    "data", [{"messageid": 999_999, "status": 10}, {}, {"messageid": "x", "status": "y"}]
)
def test_unknown_or_empty_reports_are_accepted(cafe: Any, data: dict[str, Any]) -> None:
    client = Client(SERVER_NAME=cafe.host)
    assert call(client, "status", default_callback_secret(), "form", data).status_code == 200


@pytest.mark.parametrize(
    ("provider", "kind", "secret"),
    [("kavenegar", "status", "wrong"), ("kavenegar", "other", None), ("nobody", "status", None)],
)
def test_forged_callbacks_find_nothing(cafe: Any, provider: str, kind: str, secret: str | None) -> None:
    message = sent_message("302")
    secret = secret or default_callback_secret()
    answer = Client(SERVER_NAME=cafe.host).post(
        f"/api/callbacks/{provider}/{kind}/{secret}", {"messageid": 302, "status": 10}
    )
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"
    with tenant_context(cafe.cafe):
        message.refresh_from_db()
    assert message.state == "sent"


def test_secret_of_one_cafe_opens_nothing_in_another(cafe: Any, other_cafe: Any) -> None:
    secret = default_callback_secret()
    with tenant_context(other_cafe.cafe):
        message = sent_message("303")
    answer = call(
        Client(SERVER_NAME=other_cafe.host), "status", secret, "form", {"messageid": 303, "status": 10}
    )
    assert answer.status_code == 404
    with tenant_context(other_cafe.cafe):
        message.refresh_from_db()
    assert message.state == "sent"


def test_own_account_has_its_own_secret(cafe: Any) -> None:
    provider = ProviderAccount.objects.create(name="line", adapter="kavenegar", api_key="k")
    other = sent_message("304")
    message = sent_message("305", provider_account=str(provider.pk))
    client = Client(SERVER_NAME=cafe.host)
    for number in (304, 305):
        call(client, "status", provider.callback_secret, "form", {"messageid": number, "status": 11})
    with tenant_context(cafe.cafe):
        message.refresh_from_db()
        other.refresh_from_db()
    assert (message.state, other.state) == ("undelivered", "sent")


@pytest.mark.parametrize("names", [("from", "to"), ("sender", "receptor")])
def test_inbound_text_is_stored_once_and_announced(cafe: Any, names: tuple[str, str]) -> None:
    client = Client(SERVER_NAME=cafe.host)
    data = {"messageid": 35850015, names[0]: "09121234567", names[1]: "10004346", "message": "لغو۱۱"}
    for form in ("get", "form", "json"):
        assert call(client, "receive", default_callback_secret(), form, data).status_code == 200
    with tenant_context(cafe.cafe):
        inbound = InboundMessage.objects.get()
        event = Event.objects.get(name="message.received")
    assert (inbound.sender, inbound.receiver, inbound.body) == ("09121234567", "10004346", "لغو۱۱")
    assert event.payload["inbound_id"] == str(inbound.pk)


def test_polling_finds_what_no_callback_told(outbox: Loopback) -> None:
    outbox.server.store.pace = 1000
    outbox.control("outcome", receptor="09120000003", status=11)
    outbox.control("outcome", receptor="09120000004", status=14)
    queue(600)
    services.dispatch_until_idle()
    assert states() == {"sent": 600}
    assert services.poll_deliveries() == 0
    outbox.control("hurry", seconds=5000)
    due_now()
    assert services.poll_deliveries() == 600
    assert states() == {"delivered": 598, "undelivered": 1, "blocked": 1}
    due_now()
    assert services.poll_deliveries() == 0


def test_two_pollers_do_not_ask_twice(outbox: Loopback) -> None:
    outbox.server.store.pace = 1000
    queue(10)
    services.dispatch_until_idle()
    due_now()
    before = outbox.counters["calls"]
    services.poll_deliveries()
    services.poll_deliveries()
    assert outbox.counters["calls"] == before + 1


def test_forgotten_message_is_not_overwritten(outbox: Loopback) -> None:
    outbox.server.store.pace = 1000
    queue(1)
    services.dispatch_until_idle()
    outbox.server.store.reset()
    due_now()
    services.poll_deliveries()
    assert states() == {"sent": 1}
