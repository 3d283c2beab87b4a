"""``/api/crm/feedback``: the shape of seed 000, who may, and what it leaves behind."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import tenant_context

from feedback.models import Feedback
from feedback.selectors import get_open_feedback, list_unanswered_low_ratings
from feedback.services import answer_feedback, record_feedback
from feedback.tests.helpers import make_customer, make_visit, without_feature
from servaan_crm.core.models import AuditEntry, Event

URL = "/api/crm/feedback"


def body(**changes):
    return {
        "rating": 5,
        "comment": "سرویس بسیار عالی و قهوه فوق‌العاده!",
        "categories": ["service", "quality", "ambiance"],
        "feedback_source": "qr_code",
        "table_number": "A5",
        **changes,
    }


def test_the_request_of_the_specification_is_recorded_with_its_visit(cafe):
    guest = make_customer()
    visit = make_visit(guest)
    answer = cafe.api("staff").post(
        URL, body(customer_id=str(guest.pk), visit_id=str(visit.pk)), format="json"
    )
    assert answer.status_code == 201, answer.json()
    data = answer.json()["data"]["feedback"]
    assert data["customer"] == {"id": str(guest.pk), "name": guest.name, "phone": guest.national_phone}
    assert (data["visit_id"], data["rating"], data["status"]) == (str(visit.pk), 5, "open")
    assert data["categories"] == ["service", "quality", "ambiance"]
    assert (data["feedback_source"], data["table_number"], data["order_amount"]) == ("qr_code", "A5", 2500000)
    visit.refresh_from_db()
    assert (visit.feedback_rating, visit.feedback_comment) == (5, body()["comment"])
    event = Event.objects.get(name="feedback.recorded")
    assert event.payload["feedback_id"] == data["id"]
    assert event.payload["is_low"] is False
    assert AuditEntry.objects.filter(
        table_name="feedback_feedback", row_id=data["id"], actor_name=cafe.staff.name
    )


def test_phone_alone_finds_the_guest_in_any_writing(cafe):
    guest = make_customer(phone="+989123456789")
    answer = cafe.api("staff").post(URL, body(customer_phone="۰۹۱۲ ۳۴۵ ۶۷۸۹", rating="۲"), format="json")
    assert answer.status_code == 201
    data = answer.json()["data"]["feedback"]
    assert data["customer"]["id"] == str(guest.pk)
    assert data["follow_up_required"] is True
    assert [row.rating for row in get_open_feedback(guest)] == [2]
    assert [str(row.pk) for row in list_unanswered_low_ratings()] == [data["id"]]


def test_a_guest_may_stay_unknown(cafe):
    answer = cafe.api("integrator").post(URL, body(), format="json")
    assert answer.status_code == 201
    assert answer.json()["data"]["feedback"]["customer"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rating": 6}, "rating"),
        ({"rating": None}, "rating"),
        ({"feedback_source": "fax"}, "feedback_source"),
        ({"categories": ["Not A Word"]}, "categories"),
        ({"category_ratings": {"service": 9}}, "category_ratings"),
        ({"customer_phone": "123"}, "customer_phone"),
        ({"table_number": "x" * 11}, "table_number"),
    ],
)
def test_a_wrong_body_names_the_field_and_changes_nothing(cafe, changes, field):
    answer = cafe.api("staff").post(URL, body(**changes), format="json")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"] or field == "customer_phone"
    assert not Feedback.objects.exists()
    assert not Event.objects.filter(name="feedback.recorded").exists()


def test_unknown_guests_and_visits_and_strange_pairs_are_refused(cafe):
    guest, other = make_customer(), make_customer()
    visit = make_visit(other)
    voided = make_visit(guest, voided_at="2026-01-01T00:00Z")
    post = cafe.api("staff").post
    nobody = post(URL, body(customer_id=str(uuid.uuid4())), format="json")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    by_phone = post(URL, body(customer_phone="09129999999"), format="json")
    assert (by_phone.status_code, by_phone.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    assert post(URL, body(visit_id=str(uuid.uuid4())), format="json").status_code == 404
    assert (
        post(URL, body(customer_id=str(guest.pk), visit_id=str(visit.pk)), format="json").status_code == 400
    )
    assert post(URL, body(visit_id=str(voided.pk)), format="json").status_code == 400
    assert not Feedback.objects.exists()


def test_a_visit_is_rated_once_by_guests_and_freely_by_staff(cafe):
    visit = make_visit(make_customer())
    first = cafe.api("integrator").post(URL, body(visit_id=str(visit.pk)), format="json")
    again = cafe.api("integrator").post(URL, body(visit_id=str(visit.pk), rating=1), format="json")
    assert (first.status_code, again.status_code) == (201, 409)
    visit.refresh_from_db()
    assert visit.feedback_rating == 5
    assert (
        cafe.api("staff").post(URL, body(visit_id=str(visit.pk), rating=3), format="json").status_code == 201
    )
    assert Feedback.objects.filter(visit=visit).count() == 2


def test_list_filters_and_refuses_unknown_values(cafe):
    actor = cafe.manager.actor
    for rating in (1, 3, 5):
        record_feedback(actor=actor, rating=rating, source="manual", customer_id=make_customer().pk)
    answer_feedback(
        actor=actor,
        feedback_id=Feedback.objects.get(rating=1).pk,
        response_text="عذر می‌خواهیم",
        status="resolved",
    )
    get = cafe.api("manager").get
    page = get(URL, {"limit": 2}).json()["data"]
    assert [row["rating"] for row in page["feedback"]] == [5, 3]
    assert page["pagination"] == {"current_page": 1, "total_pages": 2, "total_items": 3, "items_per_page": 2}
    resolved = get(URL, {"status": "resolved"}).json()["data"]["feedback"]
    assert [(row["rating"], row["response_text"]) for row in resolved] == [(1, "عذر می‌خواهیم")]
    assert resolved[0]["responded_by"] == cafe.manager.name
    assert resolved[0]["response_date"].endswith("Z")
    assert [row["rating"] for row in get(URL, {"rating": 3}).json()["data"]["feedback"]] == [3]
    for bad in ({"rating": 9}, {"status": "gone"}, {"limit": 101}, {"colour": "red"}):
        answer = get(URL, bad)
        assert answer.status_code == 400, bad
        assert next(iter(bad)) in answer.json()["error"]["details"]


def test_one_and_three_rows_cost_the_same_queries(cafe):
    client = cafe.api("manager")
    client.get(URL)
    counts = []
    for more in (1, 2):
        for _turn in range(more):
            visit = make_visit(make_customer())
            record_feedback(actor=cafe.manager.actor, rating=4, source="manual", visit_id=visit.pk)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(URL).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("role", "read", "write"), [
    ("owner", 200, 201), ("manager", 200, 201), ("staff", 200, 201), ("agent", 200, 201),
    ("integrator", 403, 201), (None, 401, 401),
])  # fmt: skip
def test_roles(cafe, role, read, write):
    client = cafe.api(role)
    assert client.get(URL).status_code == read
    assert client.post(URL, body(), format="json").status_code == write


def test_switched_off(cafe):
    client = cafe.api("owner")
    with without_feature(cafe, "feedback"):
        answers = (client.get(URL), client.post(URL, body(), format="json"))
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FEATURE_DISABLED")


def test_the_neighbour_sees_and_reaches_nothing(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        stranger = make_customer("غریبه", phone="+989351112233")
        visit = make_visit(stranger)
        record_feedback(actor=other_cafe.owner.actor, rating=1, source="manual", customer_id=stranger.pk)
    client = cafe.api("owner")
    assert client.get(URL).json()["data"]["feedback"] == []
    for strange in (
        {"customer_id": str(stranger.pk)},
        {"visit_id": str(visit.pk)},
        {"customer_phone": "09351112233"},
    ):
        assert client.post(URL, body(**strange), format="json").status_code == 404
    assert not Feedback.objects.exists()
