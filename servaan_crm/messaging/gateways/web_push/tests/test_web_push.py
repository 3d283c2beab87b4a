"""Push messages as a browser decrypts them, what a push service's refusals mean, and where we never call."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.messaging.gateways.base import AuthError, GatewayConfig, OutgoingMessage, SendResult
from servaan_crm.messaging.gateways.fake import running, unused_url
from servaan_crm.messaging.gateways.web_push import WebPushGateway
from servaan_crm.messaging.gateways.web_push.endpoints import is_allowed
from servaan_crm.messaging.gateways.web_push.fake import FakeBrowser, FakePushService
from servaan_crm.messaging.gateways.web_push.keys import are_browser_keys, new_private_key, public_key

KEY = new_private_key()


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.LOCAL_GATEWAYS = True


@pytest.fixture
def service() -> Iterator[FakePushService]:
    with running(FakePushService()) as service:
        yield service


def gateway(key: str = KEY, contact: str = "owner@cafe.example") -> WebPushGateway:
    return WebPushGateway(GatewayConfig("", key, channel="push", options=(("contact", contact),)))


def message(subscription: Any, number: int = 1, body: str = "امروز کیک تازه داریم ☕") -> OutgoingMessage:
    recipient = subscription if isinstance(subscription, str) else json.dumps(subscription)
    return OutgoingMessage(
        number, recipient, body, channel="push", subject="کافه سروان", url="https://cafe.example/o/1"
    )


def outcomes(results: list[SendResult]) -> list[str]:
    return [result.error.kind.value if result.error else "sent" for result in results]


def test_the_browser_reads_what_was_written_and_nobody_else(service: FakePushService) -> None:
    result = gateway().send_batch([message(service.subscription(), 77)])[0]
    assert (result.error, result.provider_id) == (None, "77")
    assert service.accepted[0].extra == {
        "title": "کافه سروان",
        "body": "امروز کیک تازه داریم ☕",
        "url": "https://cafe.example/o/1",
        "tag": "77",
    }
    call = service.call_to("/push/")
    assert int(call.headers["ttl"]) > 0
    assert "کافه".encode() not in call.body
    token, key = call.headers["authorization"].removeprefix("vapid t=").split(",k=")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["aud"], claims["sub"]) == (service.url, "mailto:owner@cafe.example")
    assert key == public_key(KEY)


@pytest.mark.parametrize(
    ("status", "answer", "expected", "gone"),
    [
        (404, "", "permanent", True),
        (410, "", "permanent", True),
        (403, "the credentials do not correspond to the credentials used", "permanent", True),
        (400, '{"reason":"VapidPkHashMismatch"}', "permanent", True),
        (413, "", "permanent", False),
        (302, "", "permanent", False),
        (429, "", "retryable", False),
        (503, "", "retryable", False),
        (403, "", "auth", False),
        (500, "", "unknown", False),
    ],
)
def test_refusals(service: FakePushService, status: int, answer: str, expected: str, gone: bool) -> None:
    phone = service.subscription()
    service.browsers["phone"].status, service.browsers["phone"].answer = status, answer
    result = gateway().send_batch([message(phone)])[0]
    assert (outcomes([result]), result.address_is_gone) == ([expected], gone)
    assert [call.path for call in service.calls] == ["/push/phone"]  # a redirect is not followed


def test_one_bad_subscription_does_not_stop_the_account(service: FakePushService) -> None:
    good, bad = service.subscription("good"), service.subscription("bad")
    service.browsers["bad"].status = 401
    gone = FakeBrowser("gone").subscription(service.url)
    results = gateway().send_batch([message(good, 1), message(bad, 2), message(gone, 3)])
    assert outcomes(results) == ["sent", "permanent", "permanent"]
    assert [result.address_is_gone for result in results] == [False, False, True]


def test_silence_is_told_apart_from_no_connection(service: FakePushService) -> None:
    phone = service.subscription()
    service.plan("cut-after")
    assert outcomes(gateway().send_batch([message(phone)])) == ["unknown"]
    assert len(service.accepted) == 1
    nobody = FakeBrowser("phone").subscription(unused_url())
    assert outcomes(gateway().send_batch([message(nobody)])) == ["retryable"]


def test_unusable_subscriptions_keys_and_texts(service: FakePushService, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    phone = service.subscription()
    broken = {**phone, "keys": {"p256dh": "AAAA", "auth": "BBBB"}}
    results = gateway().send_batch([message("{", 1), message(broken, 2), message({"endpoint": 1}, 3)])
    assert outcomes(results) == ["permanent"] * 3
    assert all(result.address_is_gone for result in results)
    long = gateway().send_batch([message(phone, 4, body="س" * 2000)])[0]
    assert (outcomes([long]), long.address_is_gone) == (["permanent"], False)
    assert outcomes(gateway().send_batch([message(phone, 5, body="س" * 1850)])) == ["sent"]
    for wrong in (gateway(key="not a Key"), gateway(contact="nobody")):
        assert outcomes(wrong.send_batch([message(phone)])) == ["auth"]
        with pytest.raises(AuthError):
            wrong.account_info()
    assert gateway().account_info().kind == "VAPID"
    for secret in (KEY, "not a Key", phone["keys"]["auth"], "/push/phone"):
        assert secret not in caplog.text


def test_only_public_push_services_are_called(settings: Any) -> None:
    settings.LOCAL_GATEWAYS = False
    for good in (
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://wns2-par02p.notify.windows.com/w/?token=BQ%3d",
        "https://web.push.apple.com/QGu",
    ):
        assert is_allowed(good)
    for bad in (
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com@10.0.0.1/x",
        "https://10.0.0.1\\@fcm.googleapis.com/x",
        "https://push.apple.com.local/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1/x",
        "https://[::1]/x",
        "https://fcm.googleapis.com/\r\nHost: x",
        "file:///etc/passwd",
        "https://fcm.googleapis.com/" + "a" * 1000,
        "",
    ):
        assert not is_allowed(bad), bad
    hidden = FakeBrowser("x").subscription("http://127.0.0.1:9")
    result = gateway().send_batch([message(hidden)])[0]
    assert (outcomes([result]), result.address_is_gone) == (["permanent"], True)


@given(st.text(max_size=120), st.text(max_size=40))
def test_no_text_breaks_the_checks_of_keys_and_addresses(first: str, second: str) -> None:
    assert are_browser_keys(first, second) is False
    assert is_allowed(f"https://{first}") in (False, True)


def test_pem_and_raw_keys_are_the_same_key() -> None:
    from servaan_crm.messaging.gateways.web_push.keys import read_private_key

    pem = read_private_key(KEY).private_pem().decode()
    assert public_key(pem) == public_key(KEY)
    assert new_private_key() != KEY
