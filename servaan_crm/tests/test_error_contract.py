"""Crashes, request ids and the session: the envelope of the contract there, too."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from servaan_crm.tests.addresses import CRM
from servaan_crm.tests.bodies import body_of
from servaan_crm.tests.contract import ERROR_KEYS, ask, envelope, writing


def test_a_crash_before_a_view_is_json_without_a_trace(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(host: str) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("servaan_crm.tenancy.middleware.get_cafe_by_host", crash)
    answer = client.get("/api/crm/customers")
    assert answer.status_code == 500
    assert set(answer.json()["error"]) == ERROR_KEYS
    assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
    assert "secret detail" not in answer.content.decode()
    assert answer.json()["error"]["request_id"] == answer["X-Request-Id"]


def test_a_crash_inside_a_view_is_json_without_a_trace(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("customers.api.views.paginate", crash)
    answer = client.get("/api/crm/customers")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert "secret detail" not in answer.content.decode()


def test_request_ids_are_ours_unless_sane(client: APIClient) -> None:
    for given, kept in (
        ("till-7_0001", True),
        ("x", False),
        ("a" * 65, False),
        ("<script>alert(1)</script>", False),
    ):
        answer = client.get("/api/nothing", headers={"X-Request-Id": given})
        envelope(answer, given)
        assert (answer["X-Request-Id"] == given) is kept, given


def test_a_session_needs_the_csrf_token(cafe: Any, values: dict[str, Any]) -> None:
    """A page of another site can make the browser post with its session, but not with the token."""
    browser = Client(SERVER_NAME=cafe.host, enforce_csrf_checks=True)
    browser.force_login(cafe.owner)
    for method, address in writing(CRM):
        body = json.dumps(body_of(method, address.route, values))
        answer = ask(browser, method, address.url(values), body)
        where = f"{method} {address}"
        assert (envelope(answer, where), answer.status_code) == ("PERMISSION_DENIED", 403), where
    assert browser.get("/api/crm/customers").status_code == 200
    token = browser.get("/counter/").context["csrf_token"]
    answer = browser.post(
        "/api/crm/customers", json.dumps({"phone": "09121119999", "name": "Somebody"}), "application/json",
        headers={"X-CSRFToken": str(token)},
    )  # fmt: skip
    assert answer.status_code == 201
