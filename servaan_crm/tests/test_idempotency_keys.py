"""The same key is one effect."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from servaan_crm.tests.addresses import CRM
from servaan_crm.tests.contract import envelope

# --- idempotency ---

ONCE = [
    ("/api/crm/visits", {"customer_id": "{customer_id}", "total_amount": 100_000}, {"total_amount": 200_000}),
    ("/api/crm/visits/{visit_id}/void", {"reason": "once"}, {"reason": "other"}),
    ("/api/crm/loyalty/award-points", {"customer_id": "{customer_id}", "points": 5, "reason": "x"}, {"points": 6}),
    ("/api/crm/loyalty/adjust-points", {"customer_id": "{customer_id}", "points": 5, "reason": "x"}, {"points": 6}),
    ("/api/crm/loyalty/redeem-points",
     {"customer_id": "{customer_id}", "points": 5, "reward_type": "discount", "reward_value": 500}, {"points": 6}),
    ("/api/crm/customers", {"phone": "09121118888", "name": "once"}, {"name": "twice"}),
]  # fmt: skip


@pytest.mark.parametrize(("route", "body", "change"), ONCE, ids=[case[0] for case in ONCE])
def test_the_same_key_is_one_effect(
    route: str, body: dict[str, Any], change: dict[str, Any], client: APIClient, values: dict[str, Any]
) -> None:
    url = next(address for address in CRM if address.route == route).url(values)
    body = {
        key: str(values["customer_id"]) if value == "{customer_id}" else value for key, value in body.items()
    }

    def send(sent: dict[str, Any], key: str = "till-1") -> Any:
        return client.post(url, sent, format="json", headers={"Idempotency-Key": key})

    first, again = send(body), send(dict(reversed(body.items())))
    assert first.status_code in (200, 201), first.content.decode()
    assert "Idempotent-Replay" not in first.headers
    assert (again.status_code, json.loads(again.content)) == (first.status_code, json.loads(first.content))
    assert again["Idempotent-Replay"] == "true"
    assert again["Content-Type"].startswith("application/json")
    other = send({**body, **change})
    assert (envelope(other, route), other.status_code) == ("IDEMPOTENCY_KEY_REUSED", 409)
    for key in ("k" * 256, "a\x7fb", "a\tb", "a\u00a0b"):
        assert envelope(send(body, key), repr(key)) == "VALIDATION_ERROR", repr(key)


def test_a_key_is_of_one_user_and_one_address(cafe: Any, values: dict[str, Any]) -> None:
    body = {"customer_id": str(values["customer_id"]), "points": 5, "reason": "x"}
    headers = {"Idempotency-Key": "shared"}
    answers = [
        cafe.api(role).post(f"/api/crm/loyalty/{kind}-points", body, format="json", headers=headers)
        for role, kind in (("owner", "award"), ("manager", "award"), ("owner", "adjust"))
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["data"]["transaction"]["id"] for answer in answers}) == 3


def test_a_refusal_is_not_remembered(client: APIClient, values: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "k9"}
    body = {"customer_id": str(values["customer_id"]), "points": 10**6, "reward_type": "item"}
    answer = client.post("/api/crm/loyalty/redeem-points", body, format="json", headers=headers)
    assert envelope(answer, "too many") == "INSUFFICIENT_POINTS"
    body["points"] = 5
    answer = client.post("/api/crm/loyalty/redeem-points", body, format="json", headers=headers)
    assert answer.status_code == 201
