"""Changing many guests at once: who is reached, what it leaves behind, once only, and back again."""

from __future__ import annotations

import threading
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.services import VisitRequest, record_visit
from customers.models import BulkOperation, Customer, GuestCount, Tag
from customers.selectors import all_customers
from customers.selectors.counts import count_all_guests
from customers.services import delete_customer, restore_customer
from customers.services.bulk import run_bulk, undo_bulk
from customers.services.counts import fold_guest_count
from customers.tests.factories import ACTOR, make_customer
from servaan_crm.core.models import AuditEntry, Event
from servaan_crm.messaging.models import Message

URL = "/api/crm/customers/bulk"


def run(client: Any, expect: int = 200, **body: Any) -> Any:
    answer = client.post(URL, body, format="json")
    assert answer.status_code == expect, answer.content.decode()
    return answer.data["data"]["bulk"] if expect == 200 else answer.data["error"]


@pytest.fixture
def book(cafe):
    return [make_customer(n, f"مهمان {n}", segment="vip" if n % 2 else "new", points=n) for n in range(10)]


def test_a_tag_reaches_the_whole_filtered_set_and_can_be_taken_back(cafe, book):
    tag = Tag.objects.create(name="شرکتی")
    book[1].tags.add(tag)
    api = cafe.api("staff")
    dry = run(api, action="add_tag", filter={"segment": "vip"}, tag="شرکتي", dry_run=True)
    assert (dry["matched"], dry["changed"], dry["skipped"]) == (
        5,
        4,
        [{"reason": "already_tagged", "count": 1}],
    )
    assert tag.customers.count() == 1
    done = run(
        api, action="add_tag", filter={"segment": "vip"}, tag=str(tag.pk), confirmation=dry["confirmation"]
    )
    assert (done["matched"], done["changed"]) == (5, 4)
    assert set(tag.customers.values_list("pk", flat=True)) == {
        c.pk for c in book if c.summary.segment == "vip"
    }
    versions = Customer.objects.filter(tags=tag).values_list("version", flat=True)
    assert sorted(versions) == [1, 2, 2, 2, 2]
    entries = AuditEntry.objects.filter(table_name="customers_customer_tags", action="insert")
    assert entries.filter(actor_id=str(cafe.staff.pk)).count() == 4
    assert Event.objects.filter(name="customers.bulk_changed").count() == 1
    back = api.post(f"{URL}/{done['id']}/undo").data["data"]["bulk"]
    assert (back["undone"], list(tag.customers.all())) == (4, [book[1]])
    assert api.post(f"{URL}/{done['id']}/undo").status_code == 409


def test_number_of_statements_does_not_grow_with_the_guests(cafe):
    tag, made, counts = Tag.objects.create(name="x"), 0, []
    for size in (3, 60):
        while made < size:
            made += 1
            make_customer(made)
        with CaptureQueriesContext(connection) as queries:
            run_bulk(actor=ACTOR, action="add_tag", params={"tag": "x"}, matches=all_customers())
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert tag.customers.count() == 60


def test_status_comes_back_as_it_was_except_where_somebody_changed_it_since(cafe, book):
    Customer.objects.filter(pk=book[0].pk).update(status="inactive")
    Customer.objects.filter(pk=book[1].pk).update(status="blocked", block_reason="old reason")
    api = cafe.api()
    assert run(api, 400, action="set_status", filter={}, status="blocked")["details"]["reason"]
    done = run(api, action="set_status", filter={}, status="blocked", reason="fraud")
    assert done["changed"] == 10
    assert set(Customer.objects.values_list("block_reason", flat=True)) == {"fraud"}
    Customer.objects.filter(pk=book[2].pk).update(status="inactive", block_reason="")
    assert api.post(f"{URL}/{done['id']}/undo").data["data"]["bulk"]["undone"] == 9
    found = dict(Customer.objects.values_list("pk", "status"))
    assert [found[c.pk] for c in book[:4]] == ["inactive", "blocked", "inactive", "active"]
    assert Customer.objects.get(pk=book[1].pk).block_reason == "old reason"


def test_deleted_guests_come_back_unless_their_number_has_another_owner(cafe, book):
    api = cafe.api()
    ids = [str(customer.pk) for customer in book[:4]] + [str(uuid.uuid4())]
    done = run(api, action="delete", ids=ids)
    assert (done["matched"], done["changed"]) == (4, 4)
    assert done["skipped"] == [{"reason": "not_found", "count": 1}]
    assert count_all_guests() == all_customers().count() == 6
    make_customer(0, "مهمان تازه")
    restore_customer(actor=ACTOR, customer_id=book[1].pk)
    assert api.post(f"{URL}/{done['id']}/undo").data["data"]["bulk"]["undone"] == 2
    assert Customer.objects.get(pk=book[0].pk).deleted_at is not None
    assert count_all_guests() == all_customers().count() == 10


def test_what_was_confirmed_is_what_is_changed(cafe, book):
    api = cafe.api()
    dry = run(api, action="delete", filter={"segment": "new"}, dry_run=True)
    make_customer(77, segment="new")
    delete_customer(actor=ACTOR, customer_id=book[0].pk)  # as many as before, but others
    refused = run(api, 409, action="delete", filter={"segment": "new"}, confirmation=dry["confirmation"])
    assert refused["code"] == "CONFLICT"
    assert refused["details"]["matched"] == 5
    assert BulkOperation.objects.count() == 0
    assert all_customers().count() == 10


def test_the_same_operation_twice_is_done_once(cafe, book):
    api, name = cafe.api(), str(uuid.uuid4())
    body = {
        "action": "message",
        "filter": {},
        "text": "سلام {{name}}، {{points}} امتیاز دارید. {{cafe_name}}",
    }
    first = run(api, bulk_id=name, **body)
    assert run(api, bulk_id=name, **body)["id"] == first["id"]
    assert Message.objects.count() == 10 == first["changed"]
    assert run(api, 409, bulk_id=name, action="delete", filter={})["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert "سلام مهمان ۳" in " ".join(Message.objects.values_list("body", flat=True)).replace("3", "۳")


def test_messages_go_to_the_willing_alone(cafe, book):
    Customer.objects.filter(pk=book[0].pk).update(status="blocked")
    Customer.objects.filter(pk=book[1].pk).update(allow_marketing=False)
    book[2].consent_changes.create(channel="sms", granted=False, source="keyword")
    body = {"action": "message", "filter": {}, "text": "سلام"}
    for dry in (True, False):
        found = run(cafe.api(), dry_run=dry, **body)
        assert found["changed"] == 7
        assert found["skipped"] == [{"reason": "blocked", "count": 1}, {"reason": "no_consent", "count": 2}]
    assert set(Message.objects.values_list("customer_id", flat=True)) == {c.pk for c in book[3:]}
    assert set(Message.objects.values_list("purpose", flat=True)) == {"marketing"}
    refused = run(cafe.api(), 400, action="message", filter={}, text="سلام {{card}}")
    assert "card" in refused["details"]["text"][0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "erase", "filter": {}}, "action"),
        ({"action": "delete"}, "filter"),
        ({"action": "delete", "filter": {}, "ids": []}, "filter"),
        ({"action": "delete", "ids": []}, "ids"),
        ({"action": "delete", "ids": ["x"]}, "ids"),
        ({"action": "delete", "filter": {"segment": "x"}}, "filter.segment"),
        ({"action": "delete", "filter": {"nonsense": "x"}}, "filter.nonsense"),
        ({"action": "delete", "filter": {"segment": ["vip"]}}, "segment"),
        ({"action": "add_tag", "filter": {}}, "tag"),
        ({"action": "add_tag", "filter": {}, "tag": "nothing"}, "tag"),
        ({"action": "set_status", "filter": {}, "status": "gone"}, "status"),
        ({"action": "delete", "filter": {}, "extra": 1}, "extra"),
    ],
)
def test_wrong_orders_are_named_and_change_nothing(cafe, book, body, field):
    refused = run(cafe.api(), 400, **body)
    assert any(name == field or name.endswith(field) for name in refused["details"]), refused
    assert all_customers().count() == 10
    assert not BulkOperation.objects.exists()


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("manager", {"add_tag", "set_status", "delete", "message"}),
        ("staff", {"add_tag"}),
        ("agent", {"add_tag"}),
    ],
)
def test_each_action_asks_for_its_own_permission(cafe, book, role, allowed):
    Tag.objects.create(name="x")
    extra = {
        "add_tag": {"tag": "x"},
        "set_status": {"status": "inactive"},
        "message": {"text": "x"},
        "delete": {},
    }
    for action, params in extra.items():
        answer = cafe.api(role).post(URL, {"action": action, "filter": {}, **params}, format="json")
        assert answer.status_code == (200 if action in allowed else 403), (role, action)


def test_messages_stop_where_campaigns_are_switched_off(cafe, book):
    cafe.cafe.features = {"campaigns": False}
    cafe.cafe.save()
    assert run(cafe.api(), 403, action="message", filter={}, text="x")["code"] == "FEATURE_DISABLED"


def _at_once(cast: Any, *works: Any) -> list[Any]:
    """Run the works in threads with connections of their own; return what they returned or raised."""
    from django_tenants.utils import tenant_context

    from servaan_crm.l10n.locale import use_locale

    start, results = threading.Barrier(len(works)), [None] * len(works)

    def one(index: int, work: Any) -> None:
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                start.wait(10)
                results[index] = work()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_at_once_and_a_checkout_beside_them_lose_nothing(fresh_cafe):
    cast = fresh_cafe()
    guests = [make_customer(n, f"مهمان {n}") for n in range(200)]
    for name in ("a", "b"):
        Tag.objects.create(name=name)
    bill = {"total_amount": Decimal(100_000)}

    def tag(name: str) -> Any:
        return lambda: run_bulk(actor=ACTOR, action="add_tag", params={"tag": name}, matches=all_customers())

    def checkout() -> int:
        for guest in guests[::5]:
            record_visit(actor=ACTOR, request=VisitRequest(customer_id=guest.pk, **bill))
        return 40

    results = _at_once(cast, tag("a"), tag("b"), tag("a"), checkout)
    assert not [each for each in results if isinstance(each, Exception)], results
    assert sorted([results[0].changed, results[2].changed]) == [0, 200]
    assert results[1].changed == 200
    assert set(Customer.objects.values_list("version", flat=True)) == {3}
    visits = Customer.objects.filter(pk__in=[g.pk for g in guests[::5]]).values_list(
        "summary__total_visits", flat=True
    )
    assert set(visits) == {1}


def test_the_same_operation_from_two_windows_is_done_once(fresh_cafe):
    cast = fresh_cafe()
    for n in range(50):
        make_customer(n)
    name, text = uuid.uuid4(), {"text": "سلام {{name}}"}

    def send() -> Any:
        return run_bulk(actor=ACTOR, action="message", params=text, matches=all_customers(), bulk_id=name)

    results = _at_once(cast, send, send, send)
    assert [each.changed for each in results] == [50, 50, 50], results
    assert Message.objects.filter(kind="bulk_message").count() == 50


def test_the_number_of_guests_is_exact_after_every_kind_of_write(fresh_cafe):
    cast = fresh_cafe()
    guests = [make_customer(n) for n in range(20)]

    def remove(part: list[Customer]) -> Any:
        matches = all_customers().filter(pk__in=[guest.pk for guest in part])
        return lambda: run_bulk(actor=ACTOR, action="delete", params={}, matches=matches)

    results = _at_once(cast, remove(guests[:5]), remove(guests[3:8]), lambda: make_customer(900))
    assert not [each for each in results if isinstance(each, Exception)], results
    assert count_all_guests() == all_customers().count() == 13
    undo_bulk(actor=ACTOR, bulk_id=results[0].pk)
    guests[19].delete()
    assert count_all_guests() == all_customers().count() == 12 + results[0].changed


def test_folding_keeps_the_number_of_guests(fresh_cafe):
    cast = fresh_cafe()
    guests = [make_customer(n) for n in range(5)]
    results = _at_once(cast, fold_guest_count, lambda: delete_customer(actor=ACTOR, customer_id=guests[0].pk))
    assert not [each for each in results if isinstance(each, Exception)], results
    fold_guest_count()
    assert GuestCount.objects.count() == 1
    assert count_all_guests() == all_customers().count() == 4
