"""Whatever body is sent to the API, what comes back is the envelope of the contract."""

import json
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from servaan_crm.tests.addresses import Address
from servaan_crm.tests.bodies import body_of
from servaan_crm.tests.contract import READS_BODY, ask, envelope, good_or_envelope, name
from servaan_crm.tests.nasty import NASTY, NOT_JSON


@pytest.mark.parametrize(("method", "address"), READS_BODY, ids=name)
def test_what_is_not_json(method: str, address: Address, client: APIClient, values: dict[str, Any]) -> None:
    url = address.url(values)
    for kind, body in NOT_JSON.items():
        keyed = {"Idempotency-Key": "k"} if "nested" in kind or "cut" in kind else {}
        answer = ask(client, method, url, body, headers=keyed)
        where = f"{method} {address}: {kind}"
        assert (envelope(answer, where), answer.status_code) == ("MALFORMED_JSON", 400), where


WRONG_TYPES = {
    "form": (b"name=x&phone=09121112233", "application/x-www-form-urlencoded"),
    "multipart": (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "broken multipart": (b"--b\r\nxx", "multipart/form-data; boundary=b"),
    "multipart without boundary": (b"x", "multipart/form-data"),
    "XML": (b"<a/>", "application/xml"),
    "plain text": (b"{}", "text/plain"),
    "no type": (b"{}", ""),
    "nonsense": (b"{}", "\u00e9;;=,"),
}


@pytest.mark.parametrize(("method", "address"), READS_BODY, ids=name)
def test_wrong_content_type(
    method: str, address: Address, client: APIClient, cafe: Any, values: dict[str, Any]
) -> None:
    browser = cafe.browser("owner")
    browser.raise_request_exception = False
    for kind, (body, content_type) in WRONG_TYPES.items():
        for who in (client, browser):
            where = f"{method} {address}: {kind}"
            answer = ask(who, method, address.url(values), body, content_type)
            assert envelope(answer, where) in (
                "UNSUPPORTED_MEDIA_TYPE",
                "MALFORMED_JSON",
                "VALIDATION_ERROR",
            ), where


OPTIONAL: dict[str, tuple[str, ...]] = {
    "/api/crm/visits": (
        "customer_phone", "customer_name", "visit_date", "items_ordered", "payment_method", "discount_applied",
        "points_earned", "points_redeemed", "visit_type", "outlet_id", "table_number", "notes", "order_reference",
    ),
    "/api/crm/customers": ("email", "birthday", "status", "notes", "preferences", "gender", "allow_marketing", "id"),
    "/api/crm/customers/{customer_id}": ("email", "birthday", "status", "notes", "preferences", "anniversary"),
    "/api/crm/feedback": (
        "visit_id", "customer_phone", "comment", "categories", "category_ratings", "table_number", "comment_language",
    ),
    "/api/crm/customers/{customer_id}/interactions": (
        "subject", "details", "outcome", "agent_id", "interaction_date", "follow_up_date",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("method", "address"), READS_BODY, ids=name)
def test_nasty_values(method: str, address: Address, client: APIClient, values: dict[str, Any]) -> None:
    url = address.url(values)
    good = body_of(method, address.route, values)
    fields = [*good, *OPTIONAL.get(address.route, ()), "\u0646\u0627\u0645"]
    for kind, value in NASTY.items():
        bodies = {field: {**good, field: value} for field in fields}
        for field, body in {"(whole)": value, **bodies}.items():
            answer = ask(client, method, url, json.dumps(body))
            good_or_envelope(answer, f"{method} {address}: {field} = {kind}")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["plain", "with a key"])
@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large(headers: dict[str, str], client: APIClient, values: dict[str, Any]) -> None:
    for method, address in READS_BODY:
        answer = ask(client, method, address.url(values), json.dumps({"name": "x" * 1000}), headers=headers)
        where = f"{method} {address}"
        assert (envelope(answer, where), answer.status_code) == ("REQUEST_TOO_LARGE", 413), where
