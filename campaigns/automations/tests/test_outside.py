"""Calls of other systems: signed, repeated until answered, and never to the house itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from campaigns.automations import engine, outside
from campaigns.automations.tests.helpers import automation, only_mine, recorded
from campaigns.models import Automation, HookCall
from feedback.tests.helpers import make_customer, make_visit
from servaan_crm.core.models import AuditEntry

SECRET = "a secret of the other side"


class _Other(ThreadingHTTPServer):
    """Another system: remembers its calls, answers with the statuses it was told, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Other

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 302:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        else:
            self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def other(settings: Any) -> Iterator[_Other]:
    settings.HOOKS_ALLOW_LOOPBACK = True
    server = _Other()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def call_of(other: _Other) -> HookCall:
    url = f"http://127.0.0.1:{other.server_port}/hook?from=cafe"
    only_mine(automation(template="", actions=[{"type": "webhook", "url": url, "secret": SECRET}]))
    engine.hear("visit.recorded", recorded(make_visit(make_customer())))
    return HookCall.objects.get()


def due() -> None:
    HookCall.objects.update(next_at=timezone.now())


def test_the_other_side_can_tell_who_calls_and_that_it_was_told_before(cafe: Any, other: _Other) -> None:
    call = call_of(other)
    other.answers = [500, 302]
    assert outside.call_due() == 0
    for tries in (1, 2):
        call.refresh_from_db()
        assert (call.state, call.attempts) == ("waiting", tries)
        assert call.next_at > timezone.now()
        due()
        done = outside.call_due()
    assert done == 1
    call.refresh_from_db()
    assert (call.state, call.last_status) == ("done", "200")
    assert len(other.calls) == 3, "a redirect is not followed, it is no answer"
    assert {head["X-Servaan-Delivery"] for head, _body in other.calls} == {str(call.pk)}
    for head, body in other.calls:
        signed = f"{head['X-Servaan-Timestamp']}.".encode() + body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert head["X-Servaan-Signature"] == f"v1={expected}"
        assert json.loads(body)["customer_id"] == str(call.run.customer_id)


def test_a_side_that_never_answers_is_given_up(cafe: Any, other: _Other) -> None:
    call = call_of(other)
    other.server_close()
    for _try in range(outside.MAX_ATTEMPTS):
        due()
        outside.call_due()
    call.refresh_from_db()
    assert (call.state, call.attempts) == ("failed", outside.MAX_ATTEMPTS)
    assert call.last_status.startswith("no answer")


def test_the_secret_is_nowhere_to_be_read(cafe: Any, other: _Other) -> None:
    call_of(other)
    assert SECRET not in json.dumps(list(Automation.objects.values_list("actions", flat=True)))
    assert not AuditEntry.objects.filter(new__icontains=SECRET).exists()


@pytest.mark.parametrize("url", [
    "http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://[::1]/",
    "https://169.254.169.254/latest", "https://[::ffff:192.168.0.1]/", "https://user@example.com/", "ftp://example.com/",
    "https://intranet/", "https://[64:ff9b::a00:1]/", "https://exam ple.com/", "", "https://0/",
])  # fmt: skip
def test_addresses_of_the_house_are_refused_at_once(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        outside.check_address(url)
    assert set(caught.value.message_dict) == {"url"}


def test_a_public_name_that_leads_into_the_house_is_not_called(
    cafe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was public when it was saved, and is not when it is looked up for the call."""
    outside.check_address("https://hooks.example.com/x")
    only_mine(
        automation(
            template="", actions=[{"type": "webhook", "url": "https://hooks.example.com/x", "secret": SECRET}]
        )
    )
    engine.hear("visit.recorded", recorded(make_visit(make_customer())))
    answers = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: answers)
    outside.call_due()
    call = HookCall.objects.get()
    assert (call.state, call.last_status) == ("failed", "refused: not a public address")
