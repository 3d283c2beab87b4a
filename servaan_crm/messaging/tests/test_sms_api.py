"""``/api/sms/`` and ``/api/crm/providers``: who may, what leaves, what never comes out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from servaan_crm.core.models import AuditEntry
from servaan_crm.messaging.models import BlockedNumber, Message, ProviderAccount, VerificationCode
from servaan_crm.messaging.tests.loopback import Loopback

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_counts(gateway_settings: Loopback) -> None:
    cache.clear()


def send(cafe: Any, path: str, body: Any, role: str | None = "manager", **headers: str) -> Any:
    return cafe.api(role).post(f"/api/sms/{path}", body, format="json", headers=headers)


@pytest.mark.parametrize(
    ("path", "body", "kind", "words"),
    [
        ("invite", {"phone": "۰۹۱۲۱۲۳۴۵۶۷", "inviter_name": "مینا", "link": "https://x.example/i"}, "business_invite",
         ("مینا", "https://x.example/i")),
        ("welcome", {"phone": "09121234567", "name": "علی", "username": "ali"}, "welcome_message", ("علی", "ali")),
        ("alert/low-stock", {"phone": "09121234567", "item_name": "شیر", "current_stock": 2.5, "minimum_stock": 10,
                             "unit": "لیتر"}, "low_stock_alert", ("شیر", "۲٫۵ لیتر", "۱۰ لیتر")),
    ],
)  # fmt: skip
def test_team_texts_go_to_the_outbox_once(cafe: Any, path: str, body: Any, kind: str, words: Any) -> None:
    first = send(cafe, path, body, **{"Idempotency-Key": "a"})
    again = send(cafe, path, body, **{"Idempotency-Key": "a"})
    assert first.status_code == 202, first.content.decode()
    assert again["Idempotent-Replay"] == "true"
    message = Message.objects.get()
    assert (message.kind, message.purpose, message.recipient) == (kind, "transactional", "+989121234567")
    assert all(word in message.body for word in words), message.body
    told = first.json()["data"]["message"]
    assert (told["id"], told["status"]) == (str(message.pk), "queued")
    status = cafe.api("agent").get(f"/api/sms/status/{message.pk}").json()["data"]["message"]
    assert (status["id"], status["recipient"]) == (str(message.pk), "09121234567")
    assert send(cafe, path, body, "staff").status_code == 403


def test_code_by_sms_without_a_login(cafe: Any) -> None:
    answer = send(cafe, "verify", {"phone": "09121234567", "purpose": "login"}, None)
    assert answer.status_code == 202, answer.content.decode()
    message = Message.objects.get()
    found = re.search("[0-9]{5}", message.body)
    assert found
    code = found[0]
    assert code not in answer.content.decode()
    assert code not in VerificationCode.objects.get().code_hash
    assert code not in cafe.api("manager").get(f"/api/sms/status/{message.pk}").content.decode()
    wrong = {"phone": "09121234567", "purpose": "login", "code": "00000" if code != "00000" else "11111"}
    refusal = send(cafe, "verify/confirm", wrong, None)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "VERIFICATION_FAILED")
    right = send(cafe, "verify/confirm", wrong | {"code": code}, None)
    assert right.json()["data"]["verification"] == {"purpose": "login", "verified": True}
    assert send(cafe, "verify/confirm", wrong | {"code": code}, None).status_code == 409


def test_codes_are_rationed_per_phone_and_address(cafe: Any, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"sms_code": 3, "sms_code_ip": 5}
    same = [send(cafe, "verify", {"phone": "09121234567"}, None).status_code for _ in range(4)]
    assert same == [202, 202, 202, 429]
    others = [send(cafe, "verify", {"phone": f"0912123450{n}"}, None) for n in range(3)]
    assert [answer.status_code for answer in others] == [202, 429, 429]
    assert int(others[-1]["Retry-After"]) > 0
    cache.clear()
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"sms_code_hour": 1}
    assert send(cafe, "verify", {"phone": "09121234567"}, None).status_code == 202
    assert int(send(cafe, "verify", {"phone": "09121234567"}, None)["Retry-After"]) >= 1


def test_text_to_many_is_advertising_with_all_its_rules(cafe: Any) -> None:
    from customers.tests.factories import make_customer

    guest = make_customer(1)
    body = {
        "recipients": ["09120000001", "+98 912 000 0001", "۰۹۱۲۰۰۰۰۰۰۲", "021123"],
        "message": "امشب مهمان ما",
    }
    told = send(cafe, "bulk", body).json()["data"]["bulk"]
    assert (told["queued"], told["duplicates"], told["invalid"]) == (2, 1, ["021123"])
    rows = {row.recipient: row for row in Message.objects.all()}
    assert rows["+989120000001"].customer_id == guest.pk
    assert {row.purpose for row in rows.values()} == {"marketing"}
    assert all(row.body.endswith("\nلغو۱۱") for row in rows.values())
    assert {str(row.group_id) for row in rows.values()} == {told["id"]}
    assert send(cafe, "bulk", body, "staff").status_code == 403
    assert send(cafe, "bulk", {"recipients": [], "message": "x"}).status_code == 400


def test_phone_check(cafe: Any) -> None:
    good = send(cafe, "validate-phone", {"phone": "+98 935-123 4567"}, "staff").json()["data"]["validation"]
    assert (good["is_valid"], good["phone"], good["operator"]) == (True, "09351234567", "irancell")
    bad = send(cafe, "validate-phone", {"phone": "02112345678"}, "staff").json()["data"]["validation"]
    assert (bad["is_valid"], bad["reason"]) == (False, "landline")
    assert bad["suggestion"]


def test_provider_is_made_tried_changed_and_removed(cafe: Any, gateway_settings: Loopback) -> None:
    api = cafe.api("manager")
    body = {
        "name": "کاوه‌نگار", "adapter": "kavenegar", "api_key": "very-secret-key", "base_url": gateway_settings.url,
        "sender": "1000", "daily_limit": 500, "tariff_persian": 1200, "low_credit": 100_000_000_000,
        "options": {"template:verification-code": "our-code"},
    }  # fmt: skip
    made = api.post("/api/crm/providers", body, format="json")
    assert made.status_code == 201, made.content.decode()
    provider = made.json()["data"]["provider"]
    url = f"/api/crm/providers/{provider['id']}"
    assert provider["has_api_key"]
    assert provider["options"]["template:verification-code"] == "our-code"
    assert provider["callbacks"]["status"].startswith("http")
    tried = api.post(f"{url}/test").json()["data"]["test"]
    assert tried["ok"]
    assert tried["credit"] > 0
    assert api.get(url).json()["data"]["provider"]["is_low"]
    changed = api.patch(url, {"daily_limit": None, "api_key": "", "priority": 3}, format="json")
    assert changed.json()["data"]["provider"]["daily_limit"] is None
    row = ProviderAccount.objects.get()
    assert (row.api_key, row.priority) == ("very-secret-key", 3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key || options FROM messaging_provideraccount")
        assert not {"very-secret-key", "our-code"} & set(re.split(r"\W+", cursor.fetchone()[0]))
    trail = json.dumps(
        list(AuditEntry.objects.values("table_name", "action", "old", "new")), ensure_ascii=False
    )
    for text in (made, tried, changed, api.get("/api/crm/providers")):
        assert "very-secret-key" not in str(getattr(text, "content", text))
    assert "very-secret-key" not in trail
    assert row.callback_secret not in trail
    BlockedNumber.objects.create(account=str(row.pk), recipient="+989120000001")
    assert api.delete(url).status_code == 200
    assert not ProviderAccount.objects.exists()
    assert not BlockedNumber.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"adapter": "pigeon"}, "adapter"),
        ({"channel": "email"}, "channel"),
        ({"api_key": ""}, "api_key"),
        ({"daily_limit": 0}, "daily_limit"),
        ({"options": {"colour": "red"}}, "options.colour"),
        ({"operator_tariffs": {"nobody": {"persian": 1}}}, "operator_tariffs"),
        ({"operator_tariffs": {"mci": {"persian": "much"}}}, "operator_tariffs"),
        ({"base_url": "http://10.0.0.1/"}, "base_url"),
        ({"base_url": "https://169.254.169.254/"}, "base_url"),
    ],
)
def test_wrong_providers_are_refused(cafe: Any, settings: Any, change: Any, field: str) -> None:
    settings.LOCAL_GATEWAYS = False
    body = {"name": "x", "adapter": "kavenegar", "api_key": "k"} | change
    answer = cafe.api("manager").post("/api/crm/providers", body, format="json")
    assert (answer.status_code, field in answer.json()["error"]["details"]) == (400, True), answer.json()
    assert not ProviderAccount.objects.exists()


def test_account_with_open_outcomes_stays(cafe: Any) -> None:
    row = ProviderAccount.objects.create(name="x", adapter="kavenegar", api_key="k")
    send(cafe, "welcome", {"phone": "09121234567"})
    from django.utils import timezone

    Message.objects.update(state="unknown", claimed_at=timezone.now(), provider_account=str(row.pk))
    answer = cafe.api("manager").delete(f"/api/crm/providers/{row.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert ProviderAccount.objects.exists()
