"""A provider's page: addresses to copy, the key of a mail account, and a test that claims no more than it proved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import translation

from servaan_crm.messaging.gateways.fake import running
from servaan_crm.messaging.gateways.gupshup.fake import FakeGupshup
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import GatewayState, Message, ProviderAccount
from servaan_crm.messaging.services import queue_messages
from servaan_crm.messaging.tests.helpers import draft

pytestmark = pytest.mark.django_db

# Which addresses each provider's page shows; of those that are not here none, because they call nobody.
SHOWN = {
    "kavenegar": {"status", "receive"},
    "twilio": {"status", "receive"},
    "meta_whatsapp": {"all"},
    "gupshup": {"all"},
    "interakt": {"all"},
    "instagram": {"all"},
    "email": {"status"},
}
OPTIONS = {"email": {"service": "brevo"}, "twilio": {"account_sid": "AC1"}}


def text(answer: Any) -> str:
    return answer.content.decode()


def account(adapter: str, **fields: Any) -> ProviderAccount:
    channel = sorted(ADAPTERS[adapter].channels)[0]
    values = {"name": adapter, "api_key": "k", "sender": "x", "options": json.dumps(OPTIONS.get(adapter, {}))}
    return ProviderAccount.objects.create(adapter=adapter, channel=channel, **(values | fields))


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
def test_the_addresses_it_calls_are_ready_to_copy(cafe: Any, adapter: str) -> None:
    row = account(adapter)
    page = text(cafe.browser("manager").get(f"/settings/providers/{row.pk}/"))
    wanted = {f"/api/callbacks/{adapter}/{kind}/{row.callback_secret}" for kind in SHOWN.get(adapter, ())}
    assert page.count(row.callback_secret) == len(wanted) == page.count("data-copy")
    assert all(f"{path}&quot;" in page or f'{path}"' in page for path in wanted)
    told = cafe.api("manager").get(f"/api/crm/providers/{row.pk}").json()["data"]["provider"]["callbacks"]
    assert set(told) == SHOWN.get(adapter, set())


def test_a_mail_server_is_given_no_address(cafe: Any) -> None:
    row = account("email", options='{"service": "smtp", "host": "mail.example.com"}')
    page = text(cafe.browser("manager").get(f"/settings/providers/{row.pk}/"))
    assert row.callback_secret not in page


def test_a_mail_account_takes_its_password_and_may_do_without(cafe: Any) -> None:
    browser, new = cafe.browser("manager"), "/settings/providers/new/account/?adapter=email&channel=email"
    form = {
        "name": "نامه", "sender": "news@cafe.example", "priority": "1", "is_active": "on", "option_service": "brevo",
        "option_webhook_key": "whk-5577",
    }  # fmt: skip
    assert 'name="api_key"' in text(browser.get(new))
    assert browser.post(new, form | {"api_key": "brevo-key"}).status_code == 302
    row = ProviderAccount.objects.get()
    assert (row.api_key, json.loads(row.options)["webhook_key"]) == ("brevo-key", "whk-5577")
    page = text(browser.get(f"/settings/providers/{row.pk}/"))
    assert "brevo-key" not in page
    assert "whk-5577" not in page
    assert browser.post(new, form).status_code == 302
    # Nobody enters a key that is made here.
    pushed = text(browser.get("/settings/providers/new/account/?adapter=web_push&channel=push"))
    assert 'name="api_key"' not in pushed


def test_a_test_claims_no_more_than_it_proved(cafe: Any) -> None:
    browser = cafe.browser("manager")
    row = account("email", options='{"service": "mailtrap"}')
    GatewayState.objects.create(account=str(row.pk), problem_class="auth", problem_since="2026-01-01T00:00Z")
    page = text(browser.post(f"/settings/providers/{row.pk}/test/", follow=True))
    with translation.override(cafe.cafe.language):
        honest = translation.gettext("Send a test message to see whether it works.")
        works = translation.gettext("The connection works.")
    assert honest in page
    assert works not in page
    # What is not proven ends no rest.
    assert GatewayState.objects.get().problem_since
    told = (
        cafe.api("manager")
        .post(f"/api/crm/providers/{row.pk}/test", {}, format="json")
        .json()["data"]["test"]
    )
    assert (told["ok"], told["is_proven"]) == (True, False)


def test_a_wallet_proves_the_key_and_warns_of_nothing(cafe: Any) -> None:
    with running(FakeGupshup(api_key="k")) as server:
        row = account("gupshup", base_url=server.url, options='{"app_name": "DemoApp"}')
        path = f"/api/crm/providers/{row.pk}/test"
        told = cafe.api("manager").post(path, {}, format="json").json()["data"]["test"]
        assert (told["ok"], told["is_proven"], float(told["credit"])) == (True, True, 41.938)
        assert not GatewayState.objects.filter(credit__isnull=False).exists()
        ProviderAccount.objects.update(api_key="wrong")
        told = cafe.api("manager").post(path, {}, format="json").json()["data"]["test"]
        assert (told["ok"], told["code"]) == (False, "401")


def test_the_log_and_the_message_say_why(cafe: Any) -> None:
    queue_messages([draft(1)])
    Message.objects.update(state="expired", error_class="expired", error_code="credit", error_text="…")
    row = Message.objects.get()
    browser = cafe.browser("agent")
    with translation.override(cafe.cafe.language):
        reason = row.reason
    assert reason in text(browser.get("/messages/"))
    assert reason in text(browser.get(f"/messages/{row.pk}/"))
