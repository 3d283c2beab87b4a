"""What is misspelt in a body is named, not left out in silence; what seed 000 prints is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from customers.models import Visit
from servaan_crm.tests.addresses import REST, Address
from servaan_crm.tests.bodies import body_of
from servaan_crm.tests.contract import ask, envelope, name, writing

# No body of ours: a form with a file, what has nothing to read, a body the provider writes, and names of own fields,
# which are refused by name by themselves.
OTHERS = ("/customers/import", "/restore", "/commit", "/cancel", "{secret}", "/auth/token", "/refresh", "/logout",
          "/validate-phone", "/custom-fields", "/picture", "/file")  # fmt: skip
STRICT = [(method, address) for method, address in writing(REST) if not address.route.endswith(OTHERS)]


@pytest.mark.parametrize(("method", "address"), STRICT, ids=name)
def test_an_unknown_key_is_an_error_that_names_it(
    method: str, address: Address, client: APIClient, values: dict[str, Any]
) -> None:
    body = {**body_of(method, address.route, values), "total_amuont": 1}
    answer = ask(client, method, address.url(values), json.dumps(body).encode())
    assert envelope(answer, f"{method} {address}") == "VALIDATION_ERROR"
    assert "total_amuont" in answer.json()["error"]["details"]


def test_it_lists_what_exists_beside_what_else_is_wrong(client: APIClient, values: dict[str, Any]) -> None:
    body = {
        "customer_id": str(values["customer_id"]),
        "amount": 5,
        "items_ordered": [{"name": "لاته", "prise": 1}],
    }
    before = Visit.objects.count()
    answer = client.post("/api/crm/visits", body, format="json")
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert set(details) == {"amount", "total_amount", "items_ordered"}
    assert "discount_applied" in str(details["amount"])
    assert "unit_price" in str(details["items_ordered"])
    assert Visit.objects.count() == before


def test_the_bodies_that_seed_000_prints_are_taken(client: APIClient, values: dict[str, Any]) -> None:
    guest = str(values["customer_id"])
    line = {"item_id": guest, "name": "اسپرسو دوبل", "quantity": 2, "unit_price": 45000, "total_price": 90000}
    visit = {
        "customer_id": guest, "visit_date": "2024-01-15T10:30:00Z", "total_amount": 125000, "items_ordered": [line],
        "payment_method": "cash", "discount_applied": 0, "points_earned": 125, "notes": "سرویس سریع و عالی",
    }  # fmt: skip
    award = {
        "customer_id": guest,
        "points": 300,
        "reason": "Purchase reward",
        "transaction_id": guest,
        "notes": "x",
    }
    redeem = {
        "customer_id": guest, "points": 200, "reward_type": "discount", "reward_value": 20000,
        "applied_to_order": guest, "notes": "10% discount applied",
    }  # fmt: skip
    feedback = {
        "customer_id": guest, "rating": 5, "comment": "سرویس بسیار عالی", "categories": ["service", "quality"],
        "feedback_source": "qr_code", "table_number": "A5",
    }  # fmt: skip
    for path, body in (
        ("visits", visit), ("loyalty/award-points", award), ("loyalty/redeem-points", redeem), ("feedback", feedback),
    ):  # fmt: skip
        answer = client.post(f"/api/crm/{path}", body, format="json")
        assert answer.status_code in (200, 201), answer.content
