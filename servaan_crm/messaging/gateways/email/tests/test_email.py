"""Letters as a real mail server and a real hosted provider get them, and what their refusals mean."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from servaan_crm.messaging.gateways.base import (
    AuthError,
    ErrorKind,
    GatewayConfig,
    OutgoingMessage,
    SendResult,
)
from servaan_crm.messaging.gateways.email import EmailGateway
from servaan_crm.messaging.gateways.email.fake import FakeMailServer

SENDER = "کافه سروان <news@cafe.example>"
PASSWORD = "pass-Word-77"


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as server:
        yield server


def gateway(port: int, *, key: str = "", **options: str) -> EmailGateway:
    given = {"host": "127.0.0.1", "port": str(port), "security": "none"} | options
    return EmailGateway(GatewayConfig("", key, SENDER, channel="email", options=tuple(sorted(given.items()))))


def letters(count: int = 1, **fields: Any) -> list[OutgoingMessage]:
    given = {"body": "سلام نگار\n\nقهوهٔ مهمان ما", "channel": "email", "subject": "یک قهوه"} | fields
    return [OutgoingMessage(7000 + n, f"guest{n}@mail.example", **given) for n in range(count)]


def kinds(results: list[SendResult]) -> list[str]:
    return [result.error.kind.value if result.error else "sent" for result in results]


def test_a_persian_letter_arrives_as_it_was_meant(server: FakeMailServer) -> None:
    message = letters(url="https://cafe.example/o/1?a=1&b=2", unsubscribe_url="https://cafe.example/c/t/")[0]
    result = gateway(server.port).send_batch([message])[0]
    assert (result.error, result.provider_id) == (None, "7000@cafe.example")
    letter = server.memory.letters[0]
    assert (letter.sender, letter.recipients) == ("news@cafe.example", ["guest0@mail.example"])
    content = letter.content
    assert content["Message-ID"] == "<7000@cafe.example>"
    assert content["List-Unsubscribe"] == "<https://cafe.example/c/t/>"
    assert content["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (content["Subject"], content["From"]) == ("یک قهوه", SENDER)
    plain, html = (part.get_content() for part in content.iter_parts())
    assert "قهوهٔ مهمان ما" in plain
    assert "https://cafe.example/o/1?a=1&b=2" in plain
    assert '<html lang="fa" dir="rtl">' in html
    assert 'href="https://cafe.example/o/1?a=1&amp;b=2"' in html
    assert 'href="https://cafe.example/c/t/"' in html


def test_text_of_a_guest_is_no_markup_and_no_header(server: FakeMailServer) -> None:
    message = letters(body="<script>x</script> & Hello", subject="Hi\r\nBcc: all@mail.example")[0]
    assert gateway(server.port).send_batch([message])[0].error is None
    letter = server.memory.letters[0]
    assert letter.content["Bcc"] is None
    assert letter.recipients == ["guest0@mail.example"]
    _plain, html = (part.get_content() for part in letter.content.iter_parts())
    assert "&lt;script&gt;" in html
    assert '<html lang="en" dir="ltr">' in html
    assert "List-Unsubscribe" not in letter.content


def test_one_connection_and_one_log_in_for_a_batch(server: FakeMailServer) -> None:
    server.memory.users = {"news": PASSWORD}
    results = gateway(server.port, key=PASSWORD, user="news").send_batch(letters(20))
    assert kinds(results) == ["sent"] * 20
    assert (server.memory.connections, len(server.memory.letters)) == (1, 20)


@pytest.mark.parametrize(
    ("step", "reply", "expected", "code", "gone"),
    [
        ("RCPT", "550 5.1.1 <guest1@mail.example> unknown", ["sent", "permanent", "sent"], "5.1.1", True),
        ("RCPT", "450 4.2.0 greylisted guest1@mail.example", ["sent", "retryable", "sent"], "4.2.0", False),
        ("RCPT", "554 5.7.1 Relay access denied", ["sent", "auth", "auth"], "554", False),
        ("MAIL", "553 5.1.8 sender not allowed", ["sent", "auth", "auth"], "5.1.8", False),
        ("MAIL", "552 5.3.4 too big", ["sent", "permanent", "sent"], "5.3.4", False),
        ("TEXT", "554 5.6.0 looks like spam", ["sent", "permanent", "sent"], "5.6.0", False),
        ("TEXT", "451 4.3.0 try again", ["sent", "retryable", "sent"], "4.3.0", False),
        ("MAIL", "421 too many letters", ["sent", "retryable", "retryable"], "421", False),
        ("MAIL", "", ["sent", "retryable", "retryable"], "connect", False),
        ("TEXT", "", ["sent", "unknown", "retryable"], "transport", False),
        ("TAKEN", "", ["sent", "unknown", "retryable"], "transport", False),
    ],
)
def test_refusals_and_broken_lines_are_told_apart(
    server: FakeMailServer, step: str, reply: str, expected: list[str], code: str, gone: bool
) -> None:
    server.memory.accidents = [(step, "250 ok"), (step, reply)]  # the second of three letters meets it
    results = gateway(server.port).send_batch(letters(3))
    error = results[1].error
    assert error is not None
    assert (kinds(results), error.code) == (expected, code)
    assert results[1].address_is_gone is gone
    assert "mail.example" not in error.text
    if step == "MAIL" and reply.startswith("421"):
        assert error.pause is None  # type: ignore[attr-defined]  # one connection was enough, the account goes on


def test_an_accepted_letter_is_never_sent_twice_by_the_adapter(server: FakeMailServer) -> None:
    server.memory.accidents = [("TAKEN", "")]
    results = gateway(server.port).send_batch(letters(2))
    assert kinds(results) == ["unknown", "retryable"]
    assert [one.content["Message-ID"] for one in server.memory.letters] == ["<7000@cafe.example>"]


def test_the_account_is_at_fault(server: FakeMailServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.memory.users = {"news": PASSWORD}
    wrong = gateway(server.port, key="wrong-Secret", user="news")
    assert kinds(wrong.send_batch(letters(2))) == ["auth", "auth"]
    nobody = gateway(server.port)
    assert kinds(nobody.send_batch(letters(2))) == ["auth", "auth"]
    encrypted = gateway(server.port, security="starttls")  # this server offers none
    assert kinds(encrypted.send_batch(letters(1))) == ["auth"]
    assert kinds(gateway(server.port, security="ssl").send_batch(letters(1))) == ["auth"]
    assert kinds(gateway(0, host="").send_batch(letters(1))) == ["auth"]
    for refused in (wrong, encrypted):
        with pytest.raises(AuthError):
            refused.account_info()
    assert gateway(server.port, key=PASSWORD, user="news").account_info().credit is None
    assert "wrong-Secret" not in caplog.text
    assert "wrong-Secret" not in repr(wrong._config)
    assert not server.memory.letters


def test_a_cafe_does_not_send_us_into_our_own_network(server: FakeMailServer, settings: Any) -> None:
    settings.LOCAL_GATEWAYS = False
    for host in ("127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0"):
        (result,) = gateway(server.port, host=host).send_batch(letters(1))
        assert result.error is not None
        assert (result.error.kind, result.error.code) == (ErrorKind.AUTH, "settings"), host
    assert server.memory.connections == 0


def test_nobody_answers(server: FakeMailServer) -> None:
    server.memory.accidents = [("CONNECT", "")]
    for result in gateway(server.port).send_batch(letters(2)):
        assert result.error is not None
        assert (result.error.kind, result.error.code) == (ErrorKind.RETRYABLE, "connect")
        assert result.error.pause  # type: ignore[attr-defined]


# -- hosted providers --------------------------------------------------------------------------------------------


class _Hosted(BaseHTTPRequestHandler):
    """Resend's documented call: POST /emails, Bearer, {"id"}."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen: list[Any] = self.server.seen  # type: ignore[attr-defined]
        seen.append((self.path, self.headers["Authorization"], body))
        status = self.server.status  # type: ignore[attr-defined]
        if not status:
            self.connection.close()
            return
        content = json.dumps({"id": "re_123", "message": body["to"]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def hosted() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Hosted)
    server.seen, server.status = [], 200
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def resend(port: int, key: str = "re_key") -> EmailGateway:
    url = f"http://127.0.0.1:{port}/"
    return EmailGateway(GatewayConfig(url, key, SENDER, channel="email", options=(("service", "resend"),)))


def test_a_hosted_provider_gets_the_same_letter(hosted: Any) -> None:
    result = resend(hosted.server_address[1]).send_batch(letters(unsubscribe_url="https://cafe.example/c/"))[
        0
    ]
    assert (result.error, result.provider_id) == (None, "re_123")
    path, key, body = hosted.seen[0]
    assert (path, key, body["to"]) == ("/emails", "Bearer re_key", ["guest0@mail.example"])
    assert body["headers"]["Message-ID"] == "<7000@cafe.example>"
    assert body["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert 'dir="rtl"' in body["html"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, ["auth", "auth"]),
        (402, ["credit", "credit"]),
        (422, ["permanent", "permanent"]),
        (429, ["retryable", "retryable"]),
        (500, ["unknown", "retryable"]),
        (0, ["unknown", "retryable"]),
    ],
)
def test_errors_of_a_hosted_provider(hosted: Any, status: int, expected: list[str]) -> None:
    hosted.status = status
    results = resend(hosted.server_address[1]).send_batch(letters(2))
    assert kinds(results) == expected
    for result in results:
        assert "mail.example" not in str(result.error)


def test_no_connection_to_a_hosted_provider_means_not_sent() -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), _Hosted)
    port = closed.server_address[1]
    closed.server_close()
    assert kinds(resend(port).send_batch(letters(2))) == ["retryable", "retryable"]
    assert kinds(resend(port, key="").send_batch(letters(1))) == ["auth"]
