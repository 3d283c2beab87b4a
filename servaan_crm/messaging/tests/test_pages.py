"""Settings of providers and the message log, as a manager and an agent see them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from servaan_crm.messaging.models import GatewayState, InboundMessage, Message, ProviderAccount, SendingRules
from servaan_crm.messaging.services import queue_messages
from servaan_crm.messaging.tests.helpers import draft
from servaan_crm.messaging.tests.loopback import Loopback

pytestmark = pytest.mark.django_db
SECRET = "very-secret-key"


def text(answer: Any) -> str:
    return answer.content.decode()


def test_an_account_from_choosing_to_removing(cafe: Any, gateway_settings: Loopback) -> None:
    browser = cafe.browser("manager")
    assert "adapter=kavenegar&amp;channel=sms" in text(browser.get("/settings/providers/new/"))
    new = "/settings/providers/new/account/?adapter=kavenegar&channel=sms"
    form = {
        "name": "خط اصلی", "api_key": SECRET, "sender": "1000", "base_url": gateway_settings.url, "priority": "۵",
        "is_active": "on", "daily_limit": "۵۰۰", "tariff_persian": "۱۲۰", "operator_irancell_persian": "۱۳۰",
        "option_template_verification_code": "our-code",
    }  # fmt: skip
    assert browser.post(new, form | {"api_key": ""}).status_code == 422
    answer = browser.post(new, form)
    row = ProviderAccount.objects.get()
    page = f"/settings/providers/{row.pk}/"
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert (row.priority, row.daily_limit, row.tariff_persian) == (5, 500, 1200)
    assert row.operator_tariffs == {"irancell": {"persian": "1300"}}
    assert json.loads(row.options) == {"template:verification-code": "our-code"}
    shown = text(browser.get(page))
    assert SECRET not in shown
    assert f"/api/callbacks/kavenegar/status/{row.callback_secret}" in shown
    assert browser.post(f"{page}test/").status_code == 302
    assert GatewayState.objects.get().credit
    assert browser.post(page, form | {"api_key": "", "name": "خط دوم", "daily_limit": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.api_key, row.name, row.daily_limit) == (SECRET, "خط دوم", None)
    assert "خط دوم" in text(browser.get("/settings/providers/"))
    browser.post(f"{page}delete/")
    assert not ProviderAccount.objects.exists()
    assert cafe.browser("agent").get("/settings/providers/").status_code == 403


def test_whatsapp_is_warned_of_in_iran_and_not_in_india(cafe: Any, indian_cafe: Any) -> None:
    new = "/settings/providers/new/account/?adapter=meta_whatsapp&channel=whatsapp"
    assert "is-warn" in text(cafe.browser("manager").get(new))
    assert "is-warn" not in text(indian_cafe.browser("manager").get(new))


def test_trouble_and_low_credit_are_seen_and_ended(cafe: Any) -> None:
    row = ProviderAccount.objects.create(name="خط", adapter="kavenegar", api_key="k")
    GatewayState.objects.create(
        account=str(row.pk), problem_class="credit", problem_since=timezone.now(), credit=0, credit_at=timezone.now(),
        blocked_until=timezone.now() + timedelta(minutes=5), low_since=timezone.now(),
    )  # fmt: skip
    browser = cafe.browser("manager")
    assert f"/settings/providers/{row.pk}/resume/" in text(browser.get("/settings/providers/"))
    assert "/settings/providers/" in text(browser.get("/"))
    browser.post(f"/settings/providers/{row.pk}/resume/")
    assert GatewayState.objects.get().problem_since is None


def test_rules_of_sending_take_persian_digits(cafe: Any) -> None:
    form = {
        "quiet_from": "۲۲:۳۰", "quiet_to": "۸", "cap_messages": "", "cap_days": "۳۰", "attribution_days": "۱۰",
        "adds_opt_out_line": "on",
    }  # fmt: skip
    browser = cafe.browser("manager")
    assert browser.post("/settings/providers/", form | {"cap_days": "۹۱"}).status_code == 422
    assert browser.post("/settings/providers/", form).status_code == 302
    rules = SendingRules.objects.get()
    assert (f"{rules.quiet_from:%H:%M}", f"{rules.quiet_to:%H:%M}") == ("22:30", "08:00")
    assert (rules.cap_messages, rules.cap_days, rules.attribution_days) == (None, 30, 10)


def test_log_filters_pages_and_hides_codes(cafe: Any) -> None:
    from customers.tests.factories import make_customer

    guest = make_customer(1)
    queue_messages([draft(number, body=f"متن {number}") for number in range(120)])
    queue_messages([draft(1, body="کد 12345", kind="verification_code", customer_id=guest.pk)])
    Message.objects.filter(body="متن 7").update(state="failed", error_text="درخواست رد شد", error_code="411")
    browser = cafe.browser("agent")
    first = text(browser.get("/messages/"))
    assert "12345" not in first
    next_url = first.split('rel="next"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = text(browser.get(f"/messages/{next_url}"))
    assert "متن 119" in first
    assert "متن 119" not in second
    assert "متن 60" in second
    failed = text(browser.get("/messages/?state=failed"))
    assert "درخواست رد شد" in failed
    assert "متن 8" not in failed
    mine = text(browser.get("/messages/?q=۰۹۱۲۰۰۰۰۰۰۱"))
    assert mine.count("data-href") == 1
    assert text(browser.get("/messages/?day=1390/01/01")).count("data-href") == 0
    with CaptureQueriesContext(connection) as few:
        browser.get("/messages/?state=failed")
    with CaptureQueriesContext(connection) as many:
        browser.get("/messages/")
    assert len(few) == len(many)
    detail = text(browser.get(f"/messages/{Message.objects.get(kind='verification_code').pk}/"))
    assert "12345" not in detail
    assert f"/customers/{guest.pk}/" in detail
    assert cafe.browser("staff").get("/messages/").status_code == 403


def test_inbound_tab(cafe: Any) -> None:
    for number, meaning in enumerate(("opt_out", "text")):
        InboundMessage.objects.create(
            provider="kavenegar", provider_message_id=str(number), sender="09120000001", body=f"متن {number}",
            meaning=meaning,
        )  # fmt: skip
    browser = cafe.browser("agent")
    assert text(browser.get("/messages/inbound/")).count("متن ") == 2
    assert "متن 1" not in text(browser.get("/messages/inbound/?meaning=opt_out"))
