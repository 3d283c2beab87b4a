"""Large changes of many guests: in the background, each guest once, stoppable, resumable, and back again."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from checkout.tests.stack import database_url, wait_for
from customers.models import BulkBatch, BulkOperation, Customer, Tag
from customers.selectors import all_customers
from customers.selectors.bulk import progress_of
from customers.services import bulk_jobs, delete_customer
from customers.services.bulk import undo_bulk
from customers.services.privacy import erase_customer
from customers.tests.factories import ACTOR, make_customer
from customers.tests.test_bulk import _at_once
from customers.tests.test_list_page import LIST, text, token_in
from servaan_crm.core.models import AuditEntry, Event
from servaan_crm.messaging.models import Message

URL = "/api/crm/customers/bulk"
JOBS = "/api/crm/bulk"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 5)
    monkeypatch.setattr(bulk_jobs, "BATCH", 4)


@pytest.fixture
def book(cafe):
    return [make_customer(n, f"مهمان {n}") for n in range(10)]


def begin(client: Any, **body: Any) -> dict[str, Any]:
    answer = client.post(URL, {"filter": {}, **body}, format="json")
    assert answer.status_code == 202, answer.content.decode()
    return answer.data["data"]["job"]


def work(job: dict[str, Any] | BulkOperation, batches: int | None = None) -> BulkOperation:
    """Let a worker do so many batches, or all."""
    pk = job.pk if isinstance(job, BulkOperation) else uuid.UUID(job["id"])
    if batches is None:
        bulk_jobs.run_job(pk)
    else:
        claim = bulk_jobs._take(pk)
        assert claim is not None
        for _batch in range(batches):
            claim.one_batch()
    return BulkOperation.objects.get(pk=pk)


def test_a_large_set_becomes_a_job_and_a_small_one_stays_an_answer(cafe, book):
    Tag.objects.create(name="x")
    api = cafe.api()
    small = api.post(URL, {"action": "add_tag", "tag": "x", "ids": [str(book[0].pk)]}, format="json")
    assert (small.status_code, small.data["data"]["bulk"]["changed"]) == (200, 1)
    job = begin(api, action="add_tag", tag="x")
    assert (job["status"], job["total"], job["processed"], job["changed"]) == ("pending", 10, 0, 0)
    work(job, batches=2)
    half = api.get(f"{JOBS}/{job['id']}").data["data"]["job"]
    assert (half["status"], half["processed"], half["percent"], half["changed"]) == ("running", 8, 80, 7)
    assert half["can_undo"] is False
    assert api.post(f"{URL}/{job['id']}/undo").status_code == 409
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    work(job)
    done = api.get(f"{JOBS}/{job['id']}").data["data"]["job"]
    assert (done["status"], done["processed"], done["changed"], done["can_undo"]) == (
        "completed",
        10,
        9,
        True,
    )
    assert done["skipped"] == [{"reason": "already_tagged", "count": 1}]
    assert Customer.objects.filter(tags__name="x").count() == 10
    trail = AuditEntry.objects.filter(table_name="customers_customer_tags", action="insert")
    assert set(trail.values_list("actor_id", flat=True)) == {str(cafe.manager.pk)}
    assert Event.objects.filter(name="customers.bulk_changed").count() == 2


def test_it_is_taken_back_in_the_background_for_those_nobody_changed_since(cafe, book):
    Customer.objects.filter(pk=book[0].pk).update(status="blocked", block_reason="old")
    api = cafe.api()
    job = begin(api, action="set_status", status="inactive")
    assert work(job).changed == 10
    Customer.objects.filter(pk=book[1].pk).update(status="active")
    back = api.post(f"{URL}/{job['id']}/undo")
    assert (back.status_code, back.data["data"]["job"]["status"]) == (202, "undoing")
    assert api.post(f"{URL}/{job['id']}/undo").status_code == 409
    ended = work(job)
    assert (ended.undone, ended.processed, ended.status, ended.undone_at is None) == (
        9,
        10,
        "completed",
        False,
    )
    assert Customer.objects.filter(status="active").count() == 9
    assert Customer.objects.get(pk=book[0].pk).block_reason == "old"
    assert api.post(f"{URL}/{job['id']}/undo").status_code == 409


def test_a_deletion_of_everybody_comes_back(cafe, book):
    job = work(begin(cafe.api(), action="delete"))
    assert (job.changed, all_customers().count()) == (10, 0)
    assert (
        cafe.api()
        .post(URL, {"action": "delete", "filter": {}}, format="json")
        .data["data"]["bulk"]["matched"]
        == 0
    )
    make_customer(0, "another owner of the number")
    undo_bulk(actor=cafe.manager.actor, bulk_id=job.pk)
    assert work(job).undone == 9
    assert all_customers().count() == 10


def test_cancelling_keeps_what_was_done_and_it_can_be_undone(cafe, book):
    Tag.objects.create(name="x")
    api = cafe.api()
    job = begin(api, action="add_tag", tag="x")
    work(job, batches=1)
    assert api.post(f"{JOBS}/{job['id']}/cancel").data["data"]["job"]["cancel_requested"] is True
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    ended = work(job)
    assert (ended.status, ended.changed) == ("cancelled", 4)
    assert api.post(f"{JOBS}/{job['id']}/cancel").status_code == 200
    undo_bulk(actor=cafe.manager.actor, bulk_id=ended.pk)
    taken_back = work(job)
    assert (taken_back.undone, progress_of(taken_back).percent) == (4, 100)
    assert not Customer.objects.filter(tags__name="x").exists()
    waiting = begin(api, action="add_tag", tag="x")
    assert api.post(f"{JOBS}/{waiting['id']}/cancel").data["data"]["job"]["status"] == "cancelled"
    assert work(waiting).changed == 0
    finished = begin(api, action="add_tag", tag="x")
    work(finished)
    assert api.post(f"{JOBS}/{finished['id']}/cancel").status_code == 409


def test_the_right_is_asked_for_again_at_every_batch(cafe, book):
    job = begin(cafe.api(), action="delete")
    work(job, batches=1)
    type(cafe.manager).objects.filter(pk=cafe.manager.pk).update(role="staff")
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    ended = work(job)
    assert (ended.status, ended.changed, all_customers().count()) == ("failed", 4, 6)
    assert ended.error


def test_what_it_needs_may_vanish_meanwhile(cafe, book):
    tag = Tag.objects.create(name="x")
    job = begin(cafe.api(), action="add_tag", tag="x")
    work(job, batches=1)
    tag.delete()
    delete_customer(actor=ACTOR, customer_id=all_customers().order_by("-pk").first().pk)
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    with connection.cursor() as cursor:  # the reference is checked at once, as in a transaction of a worker
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert work(job).status == "failed"


def test_a_stale_confirmation_begins_nothing(cafe, book):
    api = cafe.api()
    dry = api.post(URL, {"action": "delete", "filter": {}, "dry_run": True}, format="json").data["data"][
        "bulk"
    ]
    make_customer(77)
    delete_customer(actor=ACTOR, customer_id=book[0].pk)  # as many as before, but others
    body = {"action": "delete", "filter": {}, "confirmation": dry["confirmation"]}
    assert api.post(URL, body, format="json").status_code == 409
    assert not BulkOperation.objects.exists()
    assert not BulkBatch.objects.exists()


def test_guests_deleted_meanwhile_are_passed_over_and_erased_ones_leave_no_reason(cafe, book):
    Customer.objects.filter(pk__in=[guest.pk for guest in book]).update(status="blocked", block_reason="سارق")
    job = begin(cafe.api(), action="set_status", status="active")
    delete_customer(actor=ACTOR, customer_id=book[9].pk)
    ended = work(job)
    assert (ended.changed, ended.skipped) == (9, [{"reason": "not_found", "count": 1}])
    erase_customer(actor=ACTOR, customer_id=book[0].pk)
    reasons = [text for batch in BulkBatch.objects.all() for text in batch.before_reason]
    assert (len(reasons), reasons.count("")) == (9, 1)


def test_twenty_requests_at_once_begin_one_job_and_two_workers_do_it_once(fresh_cafe, monkeypatch):
    cast = fresh_cafe()
    for n in range(30):
        make_customer(n)
    name, manager = uuid.uuid4(), cast.manager.actor
    params = {"text": "سلام {{name}}"}

    def send() -> Any:
        return bulk_jobs.start_bulk(
            actor=manager, action="message", params=params, matches=all_customers(), bulk_id=name
        )

    results = _at_once(cast, *[send] * 20)
    assert {str(each.pk) for each in results} == {str(name)}, results
    assert BulkBatch.objects.count() == 8
    ends = _at_once(cast, *[lambda: bulk_jobs.run_job(name)] * 4)
    assert sorted(ends) == ["", "", "", "completed"]
    assert Message.objects.filter(kind="bulk_message").count() == 30
    assert bulk_jobs.run_job(name) == ""
    assert BulkOperation.objects.get(pk=name).changed == 30


def test_two_workers_that_both_believe_they_have_it_do_no_batch_twice(fresh_cafe):
    cast = fresh_cafe()
    for n in range(40):
        make_customer(n)
    Tag.objects.create(name="x")
    job = bulk_jobs.start_bulk(
        actor=cast.manager.actor, action="add_tag", params={"tag": "x"}, matches=all_customers()
    )
    slow = bulk_jobs._take(job.pk)
    assert slow is not None
    assert slow.one_batch()
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))

    def the_slow_one() -> str:
        try:
            while slow.one_batch():
                pass
        except bulk_jobs.Superseded:
            return "superseded"
        return "went on"

    ends = _at_once(cast, the_slow_one, lambda: bulk_jobs.run_job(job.pk))
    assert "went on" not in ends or "completed" not in ends, ends
    found = BulkOperation.objects.get(pk=job.pk)
    assert (found.status, found.changed, found.processed) == ("completed", 40, 40)
    assert set(Customer.objects.values_list("version", flat=True)) == {2}


KILLED = """
import os, signal, sys, django
django.setup()
from django_tenants.utils import tenant_context
from servaan_crm.tenancy.models import Cafe
from servaan_crm.l10n.locale import use_locale
from customers.services import bulk_jobs
cafe = Cafe.objects.get(schema_name=sys.argv[1])
plain, done = bulk_jobs._do, []
def dying(operation, batch, actor):
    plain(operation, batch, actor)
    done.append(batch)
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)  # in the middle of the third batch's transaction
bulk_jobs._do = dying
with tenant_context(cafe), use_locale(cafe.locale):
    bulk_jobs.run_job(sys.argv[2])
"""


def test_a_killed_worker_leaves_whole_batches_and_another_one_goes_on(fresh_cafe):
    cast = fresh_cafe()
    for n in range(20):
        make_customer(n)
    job = bulk_jobs.start_bulk(
        actor=cast.manager.actor, action="message", params={"text": "سلام"}, matches=all_customers()
    )
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "servaan_crm.settings.test",
    }
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, cast.cafe.schema_name, str(job.pk)], env=env, cwd=root, timeout=60
    )
    assert ended.returncode == -9
    wait_for(lambda: Message.objects.count() == 8, 10, "the two whole batches")
    assert bulk_jobs.run_job(job.pk) == ""  # its claim is fresh: nobody knows yet that it is dead
    assert bulk_jobs.resume_abandoned() == 0
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=bulk_jobs.STALE_SECONDS + 1))
    assert bulk_jobs.resume_abandoned() == 1
    assert bulk_jobs.run_job(job.pk) == "completed"
    assert Message.objects.count() == 20
    assert Message.objects.values("dedupe_key").distinct().count() == 20


def test_the_page_shows_progress_survives_leaving_and_a_double_press_begins_one_job(cafe, book):
    tag, browser = Tag.objects.create(name="ویژه"), cafe.browser("manager")
    page = text(browser.post(f"{LIST}bulk/", {"action": "add_tag", "scope": "all", "query": ""}))
    sent = {"token": token_in(page), "scope": "all", "query": "", "tag": str(tag.pk)}
    places = {browser.post(f"{LIST}bulk/run/", sent)["Location"] for _press in range(2)}
    job = BulkOperation.objects.get()
    assert places == {f"{LIST}bulk/{job.pk}/"}
    work(job, batches=1)
    part = browser.get(places.pop(), headers={"HX-Request": "true"})
    assert "۴" in text(part)
    assert "HX-Refresh" not in part
    assert f"{LIST}bulk/{job.pk}/" in text(browser.get(LIST))
    assert f"{LIST}bulk/{job.pk}/" not in text(browser.get(LIST, headers={"HX-Target": "customer-results"}))
    BulkOperation.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    work(job)
    assert browser.get(f"{LIST}bulk/{job.pk}/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert f"{LIST}bulk/{job.pk}/undo/" in text(browser.get(f"{LIST}bulk/{job.pk}/"))
    assert f"{LIST}bulk/{job.pk}/" not in text(browser.get(LIST))


def test_others_do_not_see_a_deletion_they_may_not_do(cafe, book):
    job = begin(cafe.api(), action="delete")
    assert cafe.api("staff").get(f"{JOBS}/{job['id']}").status_code == 403
    assert cafe.api("staff").post(f"{JOBS}/{job['id']}/cancel").status_code == 403
    assert cafe.browser("staff").get(f"{LIST}bulk/{job['id']}/").status_code == 403
    assert job["id"] not in text(cafe.browser("staff").get(LIST))
    assert cafe.api().get(f"{JOBS}/{uuid.uuid4()}").status_code == 404
