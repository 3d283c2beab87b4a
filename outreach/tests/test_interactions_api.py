"""Contacts with guests: seed 003's fields, who may, and whose name they carry."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from feedback.tests.helpers import make_customer, without_feature
from outreach.models import Interaction
from outreach.services import log_interaction


def url(customer):
    return f"/api/crm/customers/{customer.pk}/interactions"


def body(**changes):
    return {
        "interaction_type": "call",
        "direction": "outbound",
        "subject": "پیگیری سفارش",
        "details": "دربارهٔ قهوهٔ تازه پرسید",
        "outcome": "successful",
        **changes,
    }


def test_log_and_list(cafe):
    guest = make_customer()
    client = cafe.api("agent")
    made = client.post(url(guest), body(follow_up_date="2099-12-20"), format="json")
    assert made.status_code == 201, made.json()
    older = (timezone.now() - timedelta(days=2)).isoformat()
    client.post(url(guest), body(interaction_type="sms", interaction_date=older, outcome=""), format="json")
    data = client.get(url(guest)).json()["data"]
    assert [row["interaction_type"] for row in data["interactions"]] == ["call", "sms"]
    first = data["interactions"][0]
    assert first["agent_name"] == cafe.agent.name
    assert first["follow_up_date"] == "2099-12-20"
    assert set(first) == {
        "id", "customer_id", "interaction_type", "direction", "subject", "details", "outcome", "agent_id",
        "agent_name", "interaction_date", "follow_up_date", "created_at",
    }  # fmt: skip
    only = client.get(url(guest), {"interaction_type": "sms"}).json()["data"]["interactions"]
    assert [row["interaction_type"] for row in only] == ["sms"]


@pytest.mark.parametrize(("changes", "field"), [
    ({"interaction_type": "fax"}, "interaction_type"),
    ({"direction": None}, "direction"),
    ({"outcome": "maybe"}, "outcome"),
    ({"interaction_date": "2099-01-01T00:00:00Z"}, "interaction_date"),
    ({"follow_up_date": "2001-01-01"}, "follow_up_date"),
    ({"agent_id": "0192f0c1-0000-7000-8000-000000000000"}, "agent_id"),
])  # fmt: skip
def test_a_wrong_body_names_the_field_and_changes_nothing(cafe, changes, field):
    answer = cafe.api("manager").post(url(make_customer()), body(**changes), format="json")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]
    assert not Interaction.objects.exists()


def test_only_managers_log_in_somebody_elses_name(cafe):
    guest = make_customer()
    foreign = body(agent_id=str(cafe.owner.pk))
    assert cafe.api("agent").post(url(guest), foreign, format="json").status_code == 403
    made = cafe.api("manager").post(url(guest), body(agent_id=str(cafe.agent.pk)), format="json")
    assert made.json()["data"]["interaction"]["agent_name"] == cafe.agent.name


@pytest.mark.parametrize(("role", "expected"), [
    ("owner", 200), ("manager", 200), ("agent", 200), ("staff", 200), ("integrator", 403), (None, 401),
])  # fmt: skip
def test_roles(cafe, role, expected):
    guest = make_customer()
    client = cafe.api(role)
    assert client.get(url(guest)).status_code == expected
    assert client.post(url(guest), body(), format="json").status_code == (
        201 if expected == 200 else expected
    )


def test_switched_off(cafe):
    with without_feature(cafe, "outreach"):
        answer = cafe.api("owner").get(url(make_customer()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FEATURE_DISABLED")


def test_deleted_guests_and_the_neighbours_are_not_there(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        stranger = make_customer("غریبه")
        log_interaction(
            actor=other_cafe.agent.actor, customer_id=stranger.pk, type="call", direction="inbound"
        )
    gone = make_customer(deleted_at=timezone.now())
    client = cafe.api("owner")
    for guest in (stranger, gone):
        for answer in (client.get(url(guest)), client.post(url(guest), body(), format="json")):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    assert not Interaction.objects.exists()
