"""A whole import is taken back: what it wrote goes, what became more than a row of a file stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from checkout.services import VisitRequest, record_visit
from checkout.tests.invariants import check_cafe
from checkout.tests.test_concurrency import run_together
from customers.imports import undo_steps
from customers.imports.errors import ImportNotPossible
from customers.imports.run import run_import
from customers.imports.services import commit_checked
from customers.imports.tasks import resume_imports
from customers.imports.tests.helpers import ACTOR, check, commit, upload
from customers.imports.undo import purge_changes, request_undo, run_undo
from customers.models import ConsentChange, Customer, ImportChange, ImportJob, ImportUndo, Tag, Visit
from customers.services import create_customer, update_customer
from customers.services.consent import set_consent
from customers.services.notes import add_note
from loyalty.models import LedgerEntry, LoyaltyAccount

HEADS = "نام,موبایل,شهر,برچسب,رضایت,تولد\n"
OLD, EDITED, SAID_YES = "+989121111111", "+989121111112", "+989121111113"


def guest(phone: str) -> Customer:
    """The guest of a number, deleted or not."""
    return Customer.objects.get(phone=phone)


def undo(job: ImportJob, actor: Any = ACTOR) -> ImportUndo:
    """Undo the import to its end."""
    request_undo(actor=actor, job_id=job.pk)
    job.refresh_from_db()
    run_undo(job.undo.pk)
    job.undo.refresh_from_db()
    return job.undo


def _guests_file(cafe: Any) -> ImportJob:
    tag = Tag.objects.create(name="همیشگی")
    for phone in (OLD, EDITED, SAID_YES):
        create_customer(actor=ACTOR, phone=phone, name="نام پیشین", city="یزد", tags=[tag])
    text = HEADS + "".join(
        f"نام تازه,{phone},تهران,همیشگی؛ شرکتی,خیر,۱۳۷۰/۰۲/۰۳\n" for phone in (OLD, EDITED, SAID_YES)
    )
    text += "".join(f"مهمان تازه,0912200000{n},,,,\n" for n in range(5))
    job = commit(upload(text))
    assert (job.created, job.updated, job.rejected) == (5, 3, 0)
    assert (guest(OLD).city, guest(OLD).allow_marketing, guest(OLD).tags.count()) == ("تهران", False, 2)
    return job


def test_guests_go_values_come_back_and_what_people_touched_stays(cafe: Any) -> None:
    job = _guests_file(cafe)
    edited, noted, visited = guest(EDITED), guest("+989122000001"), guest("+989122000002")
    update_customer(actor=ACTOR, customer_id=edited.pk, expected_version=None, changes={"city": "شیراز"})
    set_consent(actor=ACTOR, customer_id=guest(SAID_YES).pk, channel="all", granted=True, source="link")
    set_consent(actor=ACTOR, customer_id=guest(SAID_YES).pk, channel="all", granted=False, source="link")
    add_note(actor=ACTOR, customer_id=noted.pk, text="کنار پنجره")
    record_visit(actor=ACTOR, request=VisitRequest(customer_id=visited.pk, total_amount=500_000))
    update_customer(
        actor=ACTOR, customer_id=guest("+989122000003").pk, expected_version=None, changes={"city": "قم"}
    )
    done = undo(job)
    assert (done.status, done.guests_removed, done.guests_restored, done.kept, done.gone) == (
        "completed", 2, 3, 5, 0,
    )  # fmt: skip
    old = guest(OLD)
    assert (old.name, old.city, old.birthday, old.allow_marketing) == ("نام پیشین", "یزد", None, True)
    assert [tag.name for tag in old.tags.all()] == ["همیشگی"]
    assert ConsentChange.objects.filter(customer=old).latest("id").granted
    edited.refresh_from_db()
    assert (edited.name, edited.city) == ("نام پیشین", "شیراز"), "the city is a person's, the rest the file's"
    assert guest(SAID_YES).allow_marketing is False, "the guest's own no came later"
    gone = Customer.objects.exclude(deleted_at=None).values_list("phone", flat=True)
    assert sorted(gone) == ["+989122000000", "+989122000004"]
    left = {str(row.row_id): row.reasons for row in done.left.all()}
    assert left[str(noted.pk)] == ["customernote.customer"]
    assert "visit.customer" in left[str(visited.pk)]
    assert left[str(edited.pk)] == ["city"]
    assert left[str(guest(SAID_YES).pk)] == ["allow_marketing"]
    assert not ImportChange.objects.exists()
    assert check_cafe(by_rule=False) == []
    again = undo(job)
    assert again.pk == done.pk
    assert again.finished_at == done.finished_at
    assert commit(upload(job.file.open("rb").read())).created == 2, "the same file can be taken over again"


def test_visits_are_voided_with_their_points_and_may_come_again(cafe: Any) -> None:
    regular = create_customer(actor=ACTOR, phone=OLD, name="سارا رضایی")
    record_visit(actor=ACTOR, request=VisitRequest(customer_id=regular.pk, total_amount=1_000_000))
    text = "موبایل,تاریخ,مبلغ\n" + "".join(
        f"{phone},1403/0{month}/10,2000000\n"
        for phone in ("09121111111", "09122000001")
        for month in (2, 3, 4)
    )
    text += ",1403/05/05,900000\n"
    job = commit(upload(text, kind="visits"), options={"unit": "rial", "points": True})
    assert job.created == 7
    before = LoyaltyAccount.objects.get(customer=regular).balance
    by_hand = Visit.objects.filter(customer=regular, import_id=job.pk).latest("visit_date")
    Visit.objects.filter(pk=by_hand.pk).update(updated_at=timezone.now())  # as any correction leaves it
    done = undo(job)
    assert (done.visits_voided, done.guests_removed, done.kept) == (6, 1, 1)
    regular.summary.refresh_from_db()
    assert (regular.summary.total_visits, regular.summary.lifetime_spent) == (2, 3_000_000)
    counting = Visit.objects.filter(customer=regular, voided_at=None).values_list("points_earned", flat=True)
    assert LoyaltyAccount.objects.get(customer=regular).balance == sum(counting) < before
    assert LedgerEntry.objects.filter(type=LedgerEntry.Type.REVERSED_EARNING).count() == 5
    assert guest("+989122000001").deleted_at is not None
    assert check_cafe(by_rule=False) == []
    again = commit(upload(text, kind="visits"), options={"unit": "rial", "points": True})
    assert (again.created, again.unchanged) == (6, 1), "what stayed is known, what was taken back comes again"
    assert check_cafe(by_rule=False) == []


def test_workers_take_turns_and_a_dead_one_is_followed(
    fresh_cafe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = fresh_cafe()
    text = "نام,موبایل\n" + "".join(f"مهمان شماره {n},0912{n:07}\n" for n in range(500))
    job = commit(upload(text, actor=cast.manager.actor))
    monkeypatch.setattr(undo_steps, "CHUNK", 20)
    calls = [0]
    rows = undo_steps._rows

    def dying(statement: str, params: dict[str, Any]) -> Any:
        found = rows(statement, params)
        calls[0] += "SELECT (SELECT count(*) FROM gone)" in statement
        if calls[0] > 3:
            raise SystemExit  # after writing, before the commit
        return found

    monkeypatch.setattr(undo_steps, "_rows", dying)
    request_undo(actor=cast.manager.actor, job_id=job.pk)
    job.refresh_from_db()
    with pytest.raises(SystemExit):
        run_undo(job.undo.pk)
    monkeypatch.setattr(undo_steps, "_rows", rows)
    job.undo.refresh_from_db()
    assert job.undo.guests_removed == Customer.objects.exclude(deleted_at=None).count() == 60
    assert resume_imports.run() == 0, "it may live"
    ImportUndo.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    assert resume_imports.run() == 1
    ask = lambda: request_undo(actor=cast.manager.actor, job_id=job.pk)  # noqa: E731
    work = lambda: run_undo(job.undo.pk)  # noqa: E731
    results = run_together(cast, [work, ask, work, ask, work])
    assert [result for result in results if isinstance(result, Exception)] == []
    job.undo.refresh_from_db()
    assert (job.undo.status, job.undo.guests_removed, job.undo.kept) == ("completed", 500, 0)
    assert not Customer.objects.filter(deleted_at=None).exists()


def test_when_there_is_nothing_to_undo(cafe: Any) -> None:
    job = check(upload("نام,موبایل\nسارا رضایی,09121111111\n"))
    with pytest.raises(ImportNotPossible):
        request_undo(actor=ACTOR, job_id=job.pk)
    commit_checked(actor=ACTOR, job_id=job.pk)
    run_import(job.pk)
    update = commit(upload("نام,موبایل\nسارا کریمی,09121111111\n"))
    assert update.changes.get().values == {"name": ["سارا رضایی", "سارا کریمی"]}
    ImportJob.objects.update(finished_at=timezone.now() - timedelta(days=31))
    with pytest.raises(ImportNotPossible, match="۳۰"):
        request_undo(actor=ACTOR, job_id=job.pk)
    assert purge_changes() == 1
    assert not ImportUndo.objects.exists()


def test_api_and_page(cafe: Any) -> None:
    job = _guests_file(cafe)
    add_note(actor=ACTOR, customer_id=guest("+989122000001").pk, text="کنار پنجره")
    url = f"/api/crm/imports/{job.pk}"
    assert cafe.api("integrator").post(f"{url}/undo").status_code == 403
    assert cafe.api("manager").get(f"{url}/undo/kept").status_code == 200
    page = f"/customers/imports/{job.pk}/"
    manager = cafe.browser("manager")
    assert f"{page}undo/" in manager.get(page).content.decode()
    assert manager.get(f"{page}undo/").status_code == 200
    answer = cafe.api("manager").post(f"{url}/undo")
    assert answer.status_code == 202, answer.content
    assert answer.data["data"]["import"]["undo"]["status"] == "running"
    headers = {"HX-Request": "true"}
    assert "HX-Refresh" not in manager.get(f"{page}undo/status/", headers=headers)
    assert "undo-progress" in manager.get(page).content.decode()
    run_undo(ImportUndo.objects.get().pk)
    assert manager.get(f"{page}undo/status/", headers=headers)["HX-Refresh"] == "true"
    read = cafe.api("manager").get(url).data["data"]["import"]
    assert read["can_undo"] is False
    assert {name: read["undo"][name] for name in ("status", "percent", "guests_removed", "kept")} == {
        "status": "completed", "percent": 100, "guests_removed": 4, "kept": 1,
    }  # fmt: skip
    assert "مهمان تازه" in manager.get(page).content.decode()
    for report in (cafe.api("manager").get(read["undo"]["kept_url"]), manager.get(f"{page}undo/kept/")):
        assert "09122000001" in b"".join(report.streaming_content).decode()
    assert manager.post(f"{page}undo/").status_code == 302, "pressed twice: nothing happens"
    assert cafe.browser("staff").post(f"{page}undo/").status_code == 403
