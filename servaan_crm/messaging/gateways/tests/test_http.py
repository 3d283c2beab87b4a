"""What an HTTP answer means when the provider's own code says nothing, and what may be told of it."""

from __future__ import annotations

import httpx
import pytest

from servaan_crm.messaging.gateways.base import ErrorKind, GatewayError, RetryableError
from servaan_crm.messaging.gateways.fake import FakeServer, Reply, running
from servaan_crm.messaging.gateways.http import HttpClient, clean, error_for_status, read_object


class Moved(FakeServer):
    """Answers everything with a redirect to another host."""

    def answer(self, call: object) -> Reply:
        """Send the caller elsewhere."""
        return Reply(302, "", {"Location": "http://127.0.0.1:9/elsewhere"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ErrorKind.AUTH),
        (400, ErrorKind.PERMANENT),
        (401, ErrorKind.AUTH),
        (402, ErrorKind.CREDIT),
        (403, ErrorKind.AUTH),
        (404, ErrorKind.AUTH),
        (408, ErrorKind.RETRYABLE),
        (422, ErrorKind.PERMANENT),
        (429, ErrorKind.RETRYABLE),
        (500, ErrorKind.UNKNOWN),
        (502, ErrorKind.UNKNOWN),
        (503, ErrorKind.UNKNOWN),
    ],
)
def test_every_status_has_its_class(status: int, kind: ErrorKind) -> None:
    response = httpx.Response(status, text="<html>")
    with pytest.raises(GatewayError) as caught:
        read_object(response)
    assert (caught.value.kind, caught.value.code) == (kind, str(status))


@pytest.mark.parametrize(
    ("header", "pause"), [("7", 7), ("999999", 3600), ("0", 1), ("Wed, 21 Oct 2026 07:28:00 GMT", 300)]
)
def test_the_provider_names_the_pause(header: str, pause: int) -> None:
    error = error_for_status(httpx.Response(429, headers={"Retry-After": header}))
    assert isinstance(error, RetryableError)
    assert error.pause == pause


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("number +98 912 000 0001 is wrong", "number … is wrong"),
        ("گیرنده ۰۹۱۲۰۰۰۰۰۰۱ نامعتبر است", "گیرنده … نامعتبر است"),
        ("see https://x.test/v1/KEY/send?to=1", "see …"),
        ("a@b.test refused", "… refused"),
        ("code 21211 of 1600 letters", "code 21211 of 1600 letters"),
        ("x" * 500, "x" * 200),
        (None, ""),
    ],
)
def test_a_providers_sentence_is_told_without_what_is_private(text: object, kept: str) -> None:
    assert clean(text) == kept


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with running(Moved()) as server:
        response = HttpClient(server.url, headers={"ApiKey": "secret"}).get("send")
        assert error_for_status(response).kind is ErrorKind.AUTH
        assert len(server.calls) == 1
