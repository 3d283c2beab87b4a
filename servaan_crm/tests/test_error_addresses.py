"""Whatever method, address, query or header is sent, what comes back is the envelope of the contract."""

import json
import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from servaan_crm.tests.addresses import API, API_SLASHED, CALLBACKS, CRM, METHODS, PAGES, REST, Address
from servaan_crm.tests.contract import JSON, ask, envelope, good_or_envelope, name
from servaan_crm.tests.nasty import BOUNDARY, NASTY, NOT_JSON


@pytest.mark.parametrize("address", API, ids=name)
def test_wrong_methods(address: Address, client: APIClient, values: dict[str, Any]) -> None:
    for method in (*METHODS, "TRACE", "CONNECT", "PROPFIND"):
        url, where = address.url(values), f"{method} {address}"
        answer = ask(client, method, url, b"{}" if method in ("POST", "PUT", "PATCH") else b"")
        if method in address.methods:
            continue
        if method == "HEAD":
            # Some ask for a parameter, and HEAD as GET does.
            expected = ask(client, "GET", url).status_code if "GET" in address.methods else 405
            assert address.is_rest is False or answer.status_code == expected in (200, 400, 405), where
            continue
        assert (envelope(answer, where), answer.status_code) == ("METHOD_NOT_ALLOWED", 405), where
        assert set(re.split(r", ?", answer["Allow"])) <= set(address.methods) | {"HEAD"}, where


@pytest.mark.parametrize("address", REST, ids=name)
def test_head_and_options(address: Address, client: APIClient, values: dict[str, Any]) -> None:
    url = address.url(values)
    options = ask(client, "OPTIONS", url)
    assert options.status_code == 200
    assert json.loads(options.content) == {"success": True, "data": {"methods": options["Allow"].split(", ")}}
    if "GET" in address.methods:
        get, head = ask(client, "GET", url), ask(client, "HEAD", url)
        body = b"".join(head.streaming_content) if head.streaming else head.content
        assert (head.status_code, head["Content-Type"], body) == (
            get.status_code,
            get["Content-Type"],
            b"",
        )


QUERY_VALUES = (
    "%00", "%ff", "9" * 400, "-1", "1e400", "NaN", "%F0%9F%98%80", "0001-01-01", "9999-12-31", "[]", "", "xml",
)  # fmt: skip
PARAMETERS: dict[str, tuple[str, ...]] = {
    "/api/crm/customers": (
        "search", "page", "limit", "sort", "min_spent", "max_visits", "outlet", "tag", "created_from", "created_to",
        "last_visit_to", "format",
    ),
    "/api/crm/customers/{customer_id}/visits": ("page", "limit", "from_date", "to_date", "min_amount", "max_amount"),
    "/api/crm/customers/{customer_id}/interactions": ("page", "limit", "outcome", "interaction_type"),
    "/api/crm/feedback": ("page", "limit", "rating", "customer_id", "source"),
    "/api/crm/customers/statistics": ("time_range", "from", "to", "refresh"),
    "/api/crm/loyalty/statistics": ("time_range", "from", "to", "refresh"),
    "/api/schema": ("lang", "version"),
    "/api/docs": ("lang", "script"),
}  # fmt: skip


@pytest.mark.parametrize("address", [address for address in API if "GET" in address.methods], ids=name)
def test_nasty_queries_and_headers(address: Address, client: APIClient, values: dict[str, Any]) -> None:
    url = address.url(values)
    for value in (
        "%00",
        "%ff",
        "9" * 400,
        "-1",
        "1e400",
        "NaN",
        "%F0%9F%98%80",
        "0001-01-01",
        "9999-12-31",
        "[]",
        "",
        "xml",
    ):
        for parameter in PARAMETERS.get(address.route, ("page", "limit", "format")):
            where = f"GET {address}?{parameter}={value[:20]}"
            good_or_envelope(ask(client, "GET", f"{url}?{parameter}={value}"), where)
    for accept in (
        "text/html",
        "application/xml",
        "nonsense",
        "\u00e9/*;q=x",
        "application/json; indent=99999",
    ):
        answer = ask(client, "GET", url, headers={"Accept": accept})
        if address.route != "/api/docs":
            good_or_envelope(answer, f"GET {address} Accept: {accept}")


STRICT = {
    "/api/crm/customers", "/api/crm/feedback", "/api/crm/customers/statistics", "/api/crm/loyalty/statistics",
    "/api/crm/customers/{customer_id}/visits", "/api/crm/customers/{customer_id}/interactions",
}  # fmt: skip


@pytest.mark.parametrize("route", sorted(STRICT))
def test_unknown_parameters_are_named(route: str, client: APIClient, values: dict[str, Any]) -> None:
    address = next(address for address in CRM if address.route == route)
    answer = ask(client, "GET", f"{address.url(values)}?colour=red")
    assert envelope(answer, route) == "VALIDATION_ERROR"
    assert list(answer.json()["error"]["details"]) == ["colour"]


UNKNOWN = (
    "/api/", "/api/nothing", "/api/crm", "/api/crm/", "/api/crm/nothing/", "/api/crm/customers/not-a-uuid",
    "/api/crm/customers//visits", "/api/%00", "/api/crm/%F0%9F%98%80", "/api/crm/customers/../../admin/",
    "/api/crm/visits/00000000-0000-0000-0000-00000000000g", "/api//crm/customers", "/api/" + "x" * 3000,
    "/api/crm/customers/a%0d%0ab", "/api/crm/customers%3Fpage=1",
)  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN, ids=lambda path: path[:40])
def test_unknown_paths(path: str, client: APIClient, cafe: Any) -> None:
    for who in (client, cafe.api(None), cafe.browser("owner")):
        for method in METHODS:
            answer = ask(who, method, path)
            if method == "HEAD":
                assert answer.status_code == 404, f"{method} {path}"
            else:
                assert (envelope(answer, f"{method} {path}"), answer.status_code) == ("NOT_FOUND", 404)


def test_both_slash_forms() -> None:
    with_slash = {address.route.removesuffix("/"): address.view for address in API_SLASHED}
    without = {address.route: address.view for address in API}
    assert with_slash == without


@pytest.mark.parametrize("address", API, ids=name)
def test_the_slash_changes_nothing(address: Address, client: APIClient, values: dict[str, Any]) -> None:
    for method in ("GET", "POST"):
        first, second = (ask(client, method, address.url(values) + end, b"{}") for end in ("", "/"))
        assert first.status_code == second.status_code, f"{method} {address}"


def test_bad_phones_in_the_path(client: APIClient) -> None:
    for phone in (
        "0",
        "%00",
        "a" * 500,
        "%F0%9F%98%80",
        "0912'--",
        "\u06f0\u06f9",
        "+" * 50,
        "00989120000000000000",
    ):
        answer = ask(client, "GET", f"/api/crm/customers/phone/{phone}")
        assert envelope(answer, phone) == "INVALID_PHONE_FORMAT", phone


@pytest.mark.parametrize("address", CALLBACKS, ids=name)
def test_callbacks_take_anything_and_break_on_nothing(
    address: Address, client: APIClient, values: dict[str, Any]
) -> None:
    bodies = [body for kind, body in NOT_JSON.items()] + [
        json.dumps({"messageid": value, "status": value, "from": value, "message": value}).encode()
        for value in NASTY.values()
    ]  # fmt: skip
    for kind in ("status", "receive", "nothing"):
        url = address.url({**values, "kind": kind})
        for body in bodies:
            for content_type in (
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=b",
            ):
                good_or_envelope(
                    ask(client, "POST", url, body, content_type), f"{kind} {body[:60]!r} {content_type}"
                )
        good_or_envelope(ask(client, "GET", f"{url}?messageid=%00&status=%00&from=%00&message=%00"), kind)
    for secret in ("wrong", "\u0633\u0644\u0627\u0645", "%00", "%ff"):
        answer = ask(client, "POST", address.url({**values, "secret": secret}))
        assert envelope(answer, secret) == "NOT_FOUND"


@pytest.mark.parametrize("address", PAGES, ids=name)
def test_pages_break_on_nothing(address: Address, cafe: Any, values: dict[str, Any]) -> None:
    """Pages answer bad input with a page."""
    browser = cafe.browser("owner")
    browser.raise_request_exception = False
    url = address.url(values)
    names = ("q", "search", "phone", "page", "customer_id", "total_amount", "discount", "points_to_redeem", "sort",
             "created_from", "created_to", "min_spent", "next", "page_size", "tag")  # fmt: skip
    # The list says what is wrong with a parameter before it looks at the next one.
    single = address.route == "/customers/"
    for value in QUERY_VALUES:
        pairs = [f"{name}={value}" for name in names]
        for query in pairs if single else ["&".join(pairs)]:
            answer = ask(browser, "GET", f"{url}?{query}")
            assert answer.status_code < 500, f"GET {address}?{query[:40]}"
    for value in ("%00", "%ff", "9" * 400, "1e999", "%ED%A0%80", "NaN", "-1", "[1]", "9999-12-31"):
        fields = (*names, "name", "items", "username", "password", "birthday", "version", "theme", "language",
                  "idempotency_key", "allergies", "notes", "email")  # fmt: skip
        form = "&".join(f"{field}={value}" for field in fields)
        for content_type in ("application/x-www-form-urlencoded", JSON, BOUNDARY):
            answer = ask(browser, "POST", url, form, content_type)
            assert answer.status_code < 500, f"POST {address}: {value[:20]} as {content_type}"
        browser.force_login(cafe.owner)  # a page may have ended the session
