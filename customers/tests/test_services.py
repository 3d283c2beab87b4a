"""Services: events, versions, and two who do the same at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django_tenants.utils import tenant_context

from customers.errors import CustomerAlreadyExists
from customers.models import Customer, CustomerSummary, Tag
from customers.selectors import lookup
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from customers.tests.factories import ACTOR, make_customer, make_visit
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.models import AuditEntry, Event
from servaan_crm.l10n.locale import use_locale


def at_once(cast, count, action):
    """Run ``action(n)`` in ``count`` threads that start together; returns results and errors."""
    barrier = Barrier(count)

    def run(number):
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                barrier.wait(10)
                return action(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_two_who_enter_one_number_at_once(fresh_cafe):
    cast = fresh_cafe()
    results = at_once(
        cast, 8, lambda n: create_customer(actor=cast.staff.actor, phone="09123456789", name=f"مهمان {n}")
    )
    winners = [result for result in results if isinstance(result, Customer)]
    losers = [result for result in results if isinstance(result, CustomerAlreadyExists)]
    assert (len(winners), len(losers)) == (1, 7), results
    assert {error.details["customer_id"] for error in losers} == {str(winners[0].pk)}
    assert (Customer.objects.count(), CustomerSummary.objects.count()) == (1, 1)
    assert Event.objects.filter(name="customer.created").count() == 1


def test_two_who_save_the_same_state_at_once(fresh_cafe):
    cast = fresh_cafe()
    customer = make_customer(1)
    results = at_once(
        cast, 6, lambda n: update_customer(
            actor=cast.staff.actor, customer_id=customer.pk, expected_version=1, changes={"notes": f"note {n}"}),
    )  # fmt: skip
    assert sum(isinstance(result, Customer) for result in results) == 1
    assert sum(isinstance(result, EditConflict) for result in results) == 5
    assert Customer.objects.get().version == 2


def test_restore_and_creation_at_once_leave_one_owner(fresh_cafe):
    cast = fresh_cafe()
    old = make_customer("09123456789")
    delete_customer(actor=ACTOR, customer_id=old.pk)
    results = at_once(
        cast, 2, lambda n: restore_customer(actor=ACTOR, customer_id=old.pk) if n else create_customer(
            actor=ACTOR, phone="09123456789", name="تازه وارد"),
    )  # fmt: skip
    assert sum(isinstance(result, CustomerAlreadyExists) for result in results) == 1
    assert Customer.objects.filter(deleted_at=None).count() == 1


def test_creation_tells_the_other_rooms_and_the_audit_trail(cafe):
    customer = create_customer(actor=cast_actor(cafe), phone="09123456789", name="سارا کریمی")
    event = Event.objects.get()
    assert (event.name, event.payload) == (
        "customer.created", {"customer_id": str(customer.pk), "phone": "+989123456789"},
    )  # fmt: skip
    entry = AuditEntry.objects.get(table_name="customers_customer")
    assert (entry.action, entry.actor_id, entry.row_id) == ("insert", str(cafe.staff.pk), str(customer.pk))


def cast_actor(cafe):
    return cafe.staff.actor


def test_an_update_without_a_change_leaves_no_trace(cafe):
    customer = make_customer(1, notes="x")
    before = (Event.objects.count(), AuditEntry.objects.count())
    same = update_customer(actor=ACTOR, customer_id=customer.pk, expected_version=1, changes={"notes": " x "})
    assert same.version == 1
    assert (Event.objects.count(), AuditEntry.objects.count()) == before


def test_an_update_names_what_changed(cafe):
    tag = Tag.objects.create(name="شرکتی")
    customer = make_customer(1)
    changed = update_customer(
        actor=cafe.manager.actor,
        customer_id=customer.pk,
        expected_version=None,
        changes={"notes": "y", "tags": [tag], "name": customer.name},
    )
    assert (changed.version, changed.updated_by_id) == (2, cafe.manager.pk)
    assert Event.objects.get(name="customer.updated").payload["fields"] == ["notes", "tags"]
    assert list(Customer.objects.get().tags.all()) == [tag]


def test_a_reason_of_blocking_goes_with_the_block(cafe):
    customer = make_customer(1, status="blocked", block_reason="چک برگشتی")
    assert customer.block_reason == "چک برگشتی"
    back = update_customer(
        actor=ACTOR, customer_id=customer.pk, expected_version=None, changes={"status": "active"}
    )
    assert back.block_reason == ""


def test_a_deleted_number_is_offered_to_those_who_ask(cafe):
    old = make_customer("09123456789")
    delete_customer(actor=ACTOR, customer_id=old.pk)
    with pytest.raises(CustomerAlreadyExists) as refusal:
        create_customer(actor=ACTOR, phone="09123456789", name="سارا کریمی", offer_restore=True)
    assert refusal.value.details["deleted_customer_id"] == str(old.pk)
    assert Customer.objects.count() == 1
    create_customer(actor=ACTOR, phone="09123456789", name="سارا کریمی")
    with pytest.raises(CustomerAlreadyExists) as refusal:
        create_customer(actor=ACTOR, phone="09123456789", name="سارا کریمی", offer_restore=True)
    assert "customer_id" in refusal.value.details


def test_services_check_for_themselves(cafe):
    with pytest.raises(ValidationError) as refusal:
        create_customer(actor=ACTOR, phone="021", name="x", email="y", gender="z", allow_marketing="no")
    assert set(refusal.value.message_dict) == {"phone", "name", "email", "gender", "allow_marketing"}
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("0912", [3, 1, 2]),
        ("۰۹۱۲۰۰۰", [3, 1, 2]),
        ("+98 912", [3, 1, 2]),
        ("00989120000001", [1]),
        ("0912 000 0002", [2]),
        ("0001", [1]),
        ("001", [1]),
        ("01", []),
        ("0935", []),
        ("", []),
        ("سارا", [3, 1]),
        ("ساراا", []),
    ],
)
def test_lookup_at_the_counter(cafe, typed, found):
    one, two, three = make_customer(1, "سارا یک"), make_customer(2, "علی دو"), make_customer(3, "سارا سه")
    gone = make_customer(4, "سارا چهار")
    delete_customer(actor=ACTOR, customer_id=gone.pk)
    make_visit(one, days_ago=5)
    make_visit(two, days_ago=9)
    make_visit(three, days_ago=1)
    by_number = {1: one.pk, 2: two.pk, 3: three.pk}
    assert [row.pk for row in lookup(typed)] == [by_number[number] for number in found]


def test_lookup_costs_the_same_however_many_match(cafe, django_assert_max_num_queries):
    for number in range(12):
        make_customer(number)
    with django_assert_max_num_queries(3):
        rows = lookup("0912")
        assert len(rows) == 8
        assert all(row.summary.points == 0 and row.summary.tier == "bronze" for row in rows)
