"""The caller's address behind proxies, and the request's id."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from servaan_crm.core.middleware import ClientAddressMiddleware, RequestIdMiddleware


@pytest.mark.parametrize(
    ("hops", "header", "expected"),
    [
        (0, "8.8.8.8", "10.0.0.9"),
        (1, "8.8.8.8", "8.8.8.8"),
        (1, "6.6.6.6, 8.8.8.8", "8.8.8.8"),
        (2, "6.6.6.6, 8.8.8.8, 10.0.0.1", "8.8.8.8"),
        (2, "8.8.8.8", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_only_our_own_proxies_are_believed(settings, hops, header, expected):
    settings.PROXY_HOPS = hops
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-For": header})
    seen = []
    ClientAddressMiddleware(lambda r: seen.append(r.META["REMOTE_ADDR"]) or HttpResponse())(request)
    assert seen == [expected]


@pytest.mark.parametrize(
    ("given", "kept"), [("till-7_0001", True), ("<script>", False), ("x" * 65, False), ("", False)]
)
def test_request_id(given, kept):
    request = RequestFactory().get("/", headers={"X-Request-Id": given})
    answer = RequestIdMiddleware(lambda _: HttpResponse())(request)
    assert (answer["X-Request-Id"] == given) is kept
    assert len(answer["X-Request-Id"]) >= 6
