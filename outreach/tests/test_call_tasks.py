"""The call list: what is put on it once, who sees it, how calls end, and the guest behind them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.errors import CustomerBlocked, CustomerNotFound
from customers.merging.errors import UndoRefused
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer
from customers.services import delete_customer
from customers.tests.factories import make_customer as make_guest
from feedback.tests.helpers import make_customer, without_feature
from outreach.calls.errors import CallTaskEnded, CallTaskSettled
from outreach.calls.services import CallEnd, NewCall, add_call, end_call, reopen_call
from outreach.models import CallTask, Interaction
from servaan_crm.core.actors import system
from servaan_crm.core.errors import NotFound
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.tests.helpers import run_in_threads

URL = "/api/crm/call-tasks"
ACTOR = system("test")


def today() -> date:
    return local_date(timezone.now())


def call(guest: Customer, **more: Any) -> CallTask:
    """Put a call on the list, due today unless ``days`` says otherwise."""
    values = {"type": "follow_up", "task_date": today() + timedelta(days=more.pop("days", 0)), **more}
    return add_call(actor=ACTOR, call=NewCall(customer_id=guest.pk, **values))[0]


def put(cast: Any, task: CallTask, role: str = "agent", **body: Any) -> Any:
    return cast.api(role).put(f"{URL}/{task.pk}/status", body, format="json")


def test_while_one_is_open_another_of_its_type_changes_nothing(cafe: Any) -> None:
    guest = make_customer()
    first = NewCall(guest.pk, "at_risk", today(), priority="cold", hint="اول")
    task, is_new = add_call(actor=ACTOR, call=first)
    again, is_new_again = add_call(
        actor=ACTOR, call=NewCall(guest.pk, "at_risk", today(), priority="hot", hint="دوم")
    )
    assert (is_new, is_new_again, again.pk, again.hint) == (True, False, task.pk, "اول")
    add_call(actor=ACTOR, call=NewCall(guest.pk, "birthday", today()))
    assert CallTask.objects.count() == 2
    end_call(actor=cafe.agent.actor, task_id=task.pk, end=CallEnd(status="skipped"))
    assert add_call(actor=ACTOR, call=first)[1] is True


def test_of_one_source_there_is_one_task_even_after_its_end(cafe: Any) -> None:
    guest = make_customer()
    asked = NewCall(guest.pk, "automation", today(), source_reference="automation:1")
    task, _new = add_call(actor=ACTOR, call=asked)
    end_call(actor=cafe.agent.actor, task_id=task.pk, end=CallEnd(status="completed", outcome="busy"))
    again, is_new = add_call(actor=ACTOR, call=asked)
    assert (again.pk, is_new, CallTask.objects.count()) == (task.pk, False, 1)


def test_asked_for_by_several_at_once_there_is_one(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    guest = make_customer()

    def ask() -> tuple[CallTask, bool]:
        with use_locale(cast.cafe.locale):
            return add_call(actor=ACTOR, call=NewCall(guest.pk, "automation", today()))

    found = run_in_threads(ask, 6)
    assert CallTask.objects.count() == 1
    assert {task.pk for task, _new in found} == {CallTask.objects.get().pk}
    assert sorted(is_new for _task, is_new in found) == [False] * 5 + [True]


def test_ended_by_two_at_once_there_is_one_contact(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    task = call(make_customer())
    reports = [(cast.owner.actor, "successful"), (cast.manager.actor, "not_interested")]

    def end() -> CallTaskEnded | None:
        actor, outcome = reports.pop()
        try:
            with use_locale(cast.cafe.locale):
                end_call(actor=actor, task_id=task.pk, end=CallEnd(status="completed", outcome=outcome))
        except CallTaskEnded as error:
            return error
        return None

    refused = [error for error in run_in_threads(end, 2) if error]
    assert (Interaction.objects.count(), len(refused)) == (1, 1)
    task = CallTask.objects.get()
    assert task.interaction == Interaction.objects.get()
    assert refused[0].details["outcome"] == task.outcome


def test_guests_nobody_may_call(cafe: Any) -> None:
    blocked, gone = make_customer(status="blocked", block_reason="x"), make_guest(1)
    with pytest.raises(CustomerBlocked):
        call(blocked)
    left = call(gone)
    delete_customer(actor=cafe.manager.actor, customer_id=gone.pk)
    with pytest.raises(CustomerNotFound):
        call(gone, type="birthday")
    later_blocked = make_customer()
    task = call(later_blocked)
    Customer.objects.filter(pk=later_blocked.pk).update(status="blocked")
    assert cafe.api("agent").get(f"{URL}/today").json()["data"]["call_tasks"] == []
    assert put(cafe, left, status="skipped").status_code == 404
    assert put(cafe, task, status="completed", outcome="not_interested").status_code == 200


def test_the_list_in_the_order_of_calling(cafe: Any) -> None:
    named = {
        "late-cold": (-3, "cold"), "late-hot": (-1, "hot"), "warm": (0, "warm"), "hot": (0, "hot"),
        "cold": (0, "cold"), "later": (2, "hot"),
    }  # fmt: skip
    for name, (days, priority) in named.items():
        call(make_customer(name), days=days, priority=priority)
    client = cafe.api("agent")

    def names(path: str = "", **query: Any) -> list[str]:
        return [row["customer_name"] for row in client.get(URL + path, query).json()["data"]["call_tasks"]]

    due = ["late-hot", "late-cold", "hot", "warm", "cold"]
    assert names() == [*due, "later"]
    assert names("/today") == due
    assert names(priority="hot") == ["late-hot", "hot", "later"]
    assert names(date=str(today() + timedelta(days=2))) == ["later"]
    assert names(status="completed") == []
    page = client.get(URL, {"limit": 2, "page": 2}).json()["data"]
    assert [row["customer_name"] for row in page["call_tasks"]] == ["hot", "warm"]
    assert page["pagination"]["total_items"] == 6
    for query, field in (
        ({"stauts": "pending"}, "stauts"),
        ({"status": "open"}, "status"),
        ({"date": "x"}, "date"),
    ):
        answer = client.get(URL, query)
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [field])
    assert list(client.get(f"{URL}/today", {"status": "pending"}).json()["error"]["details"]) == ["status"]


def test_as_many_queries_for_many_as_for_one(cafe: Any) -> None:
    client = cafe.api("agent")
    call(make_customer(), agent_id=cafe.agent.pk)
    client.get(URL)
    with CaptureQueriesContext(connection) as one:
        client.get(URL)
    for _more in range(4):
        call(make_customer(), agent_id=cafe.agent.pk)
    with CaptureQueriesContext(connection) as many:
        assert len(client.get(URL).json()["data"]["call_tasks"]) == 5
    assert len(one) == len(many)


def test_agents_see_their_own_calls_and_unassigned_ones(cafe: Any) -> None:
    mine, nobodys, managers = (
        call(make_customer(name), agent_id=agent and agent.pk)
        for name, agent in (("mine", cafe.agent), ("nobody's", None), ("manager's", cafe.manager))
    )

    def seen(role: str, **query: Any) -> set[str]:
        return {row["id"] for row in cafe.api(role).get(URL, query).json()["data"]["call_tasks"]}

    assert seen("agent") == {str(mine.pk), str(nobodys.pk)}
    assert seen("manager") == {str(mine.pk), str(nobodys.pk), str(managers.pk)}
    assert seen("manager", agent_id=cafe.agent.pk) == seen("agent", agent_id=cafe.agent.pk) == {str(mine.pk)}
    assert cafe.api("agent").get(URL, {"agent_id": cafe.manager.pk}).status_code == 403
    assert put(cafe, managers, status="completed", outcome="busy").status_code == 404
    assert not Interaction.objects.exists()
    assert cafe.api("integrator").get(URL).status_code == 403
    with without_feature(cafe, "outreach"):
        assert cafe.api("manager").get(URL).json()["error"]["code"] == "FEATURE_DISABLED"


def test_the_body_that_seed_003_prints_is_taken(cafe: Any) -> None:
    task = call(make_customer("John Doe"), hint="Customer showed interest in honey", priority="hot")
    row = cafe.api("agent").get(f"{URL}/today").json()["data"]["call_tasks"][0]
    printed = ("customer_name", "task_type", "priority", "notes")
    assert [row[name] for name in printed] == [
        "John Doe",
        "follow_up",
        "hot",
        "Customer showed interest in honey",
    ]
    body = {
        "status": "completed",
        "outcome": "successful - placed order",
        "notes": "Customer ordered 2kg honey",
    }
    answer = put(cafe, task, **body)
    assert answer.status_code == 200, answer.json()
    ended = answer.json()["data"]["call_task"]
    assert (ended["status"], ended["outcome"], ended["outcome_detail"]) == (
        "completed",
        "successful",
        "placed order",
    )
    assert (ended["notes"], ended["agent_id"]) == (body["notes"], str(cafe.agent.pk))
    contact = Interaction.objects.get()
    assert (contact.type, contact.direction, contact.outcome) == ("call", "outbound", "successful")
    assert (contact.customer_id, contact.agent_id) == (task.customer_id, cafe.agent.pk)
    assert contact.details == "placed order\nCustomer ordered 2kg honey"
    assert put(cafe, task, **body).status_code == 200  # a repeated request is no second call
    assert Interaction.objects.count() == 1
    other = put(cafe, task, "manager", **body)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT")
    assert other.json()["error"]["details"] == {"status": "completed", "outcome": "successful"}


@pytest.mark.parametrize(("body", "field"), [
    ({"status": "done"}, "status"),
    ({"status": "completed"}, "outcome"),
    ({"status": "completed", "outcome": "wonderful"}, "outcome"),
    ({"status": "skipped", "outcome": "busy"}, "outcome"),
    ({"status": "pending", "follow_up_date": "2099-01-01"}, "follow_up_date"),
    ({"status": "completed", "outcome": "busy", "follow_up_date": "2001-01-01"}, "follow_up_date"),
    ({"status": "completed", "outcome": "successful - " + "x" * 205}, "outcome"),
    ({"outcome": "busy"}, "status"),
    ({"status": "skipped", "colour": "red"}, "colour"),
])  # fmt: skip
def test_a_wrong_body_names_the_field_and_changes_nothing(
    cafe: Any, body: dict[str, Any], field: str
) -> None:
    task = call(make_customer())
    answer = put(cafe, task, **body)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]
    task.refresh_from_db()
    assert (task.status, Interaction.objects.count(), CallTask.objects.count()) == ("pending", 0, 1)


def test_a_note_leaves_the_call_open_and_a_skipped_one_leaves_no_contact(cafe: Any) -> None:
    task = call(make_customer())
    noted = put(cafe, task, status="pending", notes="بعدازظهر راحت‌تر است").json()["data"]["call_task"]
    assert (noted["status"], noted["notes"], noted["completed_at"]) == (
        "pending",
        "بعدازظهر راحت‌تر است",
        None,
    )
    skipped = put(cafe, task, status="skipped").json()["data"]["call_task"]
    assert (skipped["status"], skipped["notes"], skipped["interaction_id"]) == (
        "skipped",
        noted["notes"],
        None,
    )
    assert not Interaction.objects.exists()


def test_the_next_call_stands_on_the_list_and_goes_with_the_end_that_made_it(cafe: Any) -> None:
    task = call(make_customer(), type="at_risk", priority="hot", hint="پرسیدن حال")
    day = today() + timedelta(days=3)
    end = CallEnd(status="completed", outcome="wrong_number", follow_up_date=day)
    end_call(actor=cafe.agent.actor, task_id=task.pk, end=end)
    again = CallTask.objects.get(status="pending")
    assert (again.type, again.task_date, again.priority) == ("follow_up", day, "hot")
    assert (again.agent_id, again.hint) == (cafe.agent.pk, "پرسیدن حال")
    contact = Interaction.objects.get()
    assert (contact.outcome, contact.follow_up_date) == ("no_answer", day)
    assert "شماره" in contact.subject or "number" in contact.subject.lower()

    reopened = reopen_call(actor=cafe.agent.actor, task_id=task.pk)
    assert (reopened.status, reopened.outcome, reopened.completed_at) == ("pending", "", None)
    assert not Interaction.objects.exists()
    assert CallTask.objects.get() == task
    assert reopen_call(actor=cafe.agent.actor, task_id=task.pk).status == "pending"


def test_what_cannot_be_taken_back(cafe: Any) -> None:
    guest = make_customer()
    task = call(guest, agent_id=cafe.agent.pk)
    end = CallEnd(status="completed", outcome="busy", follow_up_date=today())
    end_call(actor=cafe.manager.actor, task_id=task.pk, end=end)
    with pytest.raises(CallTaskSettled):
        reopen_call(actor=cafe.agent.actor, task_id=task.pk)  # somebody else noted it
    with pytest.raises(CallTaskSettled):
        reopen_call(actor=cafe.manager.actor, task_id=task.pk, now=timezone.now() + timedelta(minutes=16))
    again = CallTask.objects.get(status="pending")
    end_call(
        actor=cafe.manager.actor, task_id=again.pk, end=CallEnd(status="completed", outcome="successful")
    )
    with pytest.raises(CallTaskSettled):
        reopen_call(actor=cafe.manager.actor, task_id=task.pk)  # the next call was made already
    with pytest.raises(NotFound):
        reopen_call(actor=cafe.agent.actor, task_id=guest.pk)
    assert Interaction.objects.count() == 2


def rows_of(*guests: Customer) -> list[dict[str, Any]]:
    rows = CallTask.objects.filter(customer__in=guests).order_by("pk").values()
    return [{name: value for name, value in row.items() if name != "updated_at"} for row in rows]


def test_a_merge_keeps_the_more_urgent_of_two_open_calls_and_gives_both_back(cafe: Any) -> None:
    kept, gone = make_guest(1, "سارا کریمی"), make_guest(2, "سارا کریمی")
    less = call(kept, priority="warm", hint="گرم")
    more = call(gone, priority="hot", hint="داغ")
    alone = call(gone, type="birthday")
    before = rows_of(kept, gone)
    record = merge_customers(actor=cafe.manager.actor, kept_id=kept.pk, merged_id=gone.pk)
    assert set(CallTask.objects.filter(status="pending").values_list("pk", "customer_id")) == {
        (more.pk, kept.pk), (alone.pk, kept.pk),
    }  # fmt: skip
    assert CallTask.objects.get(pk=less.pk).status == "skipped"
    assert call(gone, type="birthday") == alone  # who asks for the merged guest gets the kept one's
    undo_merge(actor=cafe.manager.actor, merge_id=record.pk)
    assert rows_of(kept, gone) == before

    record = merge_customers(actor=cafe.manager.actor, kept_id=kept.pk, merged_id=gone.pk)
    end_call(actor=cafe.manager.actor, task_id=more.pk, end=CallEnd(status="skipped"))
    with pytest.raises(UndoRefused):
        undo_merge(actor=cafe.manager.actor, merge_id=record.pk)


def test_the_guests_profile_tells_of_the_open_call(cafe: Any) -> None:
    guest = make_customer()
    task = call(guest, hint="دربارهٔ کیک تولد")
    url = f"/customers/{guest.pk}/tab/communications/"
    assert "دربارهٔ کیک تولد" in cafe.browser("agent").get(url).content.decode()
    end_call(actor=cafe.agent.actor, task_id=task.pk, end=CallEnd(status="skipped"))
    assert "دربارهٔ کیک تولد" not in cafe.browser("agent").get(url).content.decode()
