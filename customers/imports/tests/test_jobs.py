"""A job survives its worker, stops when told to, and belongs to one café."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from customers.imports import run, services, staging
from customers.imports.errors import ImportNotPossible
from customers.imports.jobs import find_abandoned
from customers.imports.limits import MAX_ATTEMPTS
from customers.imports.tests.helpers import ACTOR, check, counts, upload
from customers.models import Customer, CustomerSummary, ImportJob
from servaan_crm.core.models import AuditEntry

URL = "/api/crm/customers/import"


def _many(rows: int) -> str:
    return "نام,موبایل\n" + "".join(f"مهمان شماره {n},0912{n:07}\n" for n in range(rows))


def _killed_mid_run(job: ImportJob, chunks: int) -> None:
    values = connection.settings_dict
    port = values["PORT"] or 5432
    url = f"postgresql://{values['USER']}:{values['PASSWORD']}@/{values['NAME']}?host={values['HOST']}&port={port}"
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "servaan_crm.settings.test")
    module = "customers.imports.tests.crashing_worker"
    worker = subprocess.Popen(
        [sys.executable, "-m", module, connection.schema_name, str(job.pk), str(chunks)],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": settings, "DATABASE_URL": url},
        cwd=django_settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "stopped\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()


@pytest.mark.parametrize("lost", ["nothing", "staging"])
def test_killed_worker_is_followed_by_another(
    fresh_cafe: Any, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed inside a chunk: that chunk never was, the ones before stay, the next worker does the rest once."""
    cast = fresh_cafe()
    job = upload(_many(1_050), actor=cast.manager.actor)
    services.start(actor=cast.manager.actor, job_id=job.pk, mapping=job.mapping, commit=True)
    _killed_mid_run(job, chunks=4)
    job.refresh_from_db()
    # The server may need a moment to notice that its client is gone.
    assert (job.cursor, job.created, job.status) == (400, Customer.objects.count(), "running")
    assert run.run_import(job.pk) == "", "its heartbeat is fresh: it may live"
    assert job.pk not in find_abandoned()
    if lost == "staging":  # as after a crash of the database, which empties unlogged tables
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {staging.table_of(job.pk)}")
    ImportJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    assert find_abandoned() == [job.pk]
    monkeypatch.setattr(run, "CHUNK", 100)
    assert run.run_import(job.pk) == "completed"
    job.refresh_from_db()
    assert counts(job) == {"total_rows": 1050, "created": 1050, "updated": 0, "unchanged": 0, "rejected": 0}
    assert Customer.objects.count() == CustomerSummary.objects.count() == 1050
    trail = AuditEntry.objects.filter(table_name="customers_customer", action="insert")
    assert trail.count() == 1050
    assert set(trail.values_list("actor_name", flat=True)) == {cast.manager.actor.name}
    assert not staging.exists(job.pk)


def test_cancel_stops_within_a_chunk(cafe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = upload(_many(500))
    services.start(actor=ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
    monkeypatch.setattr(run, "CHUNK", 100)
    take_over = run.KINDS["customers"].writer.take_over

    def cancelling(*args: Any) -> Any:
        ImportJob.objects.filter(pk=job.pk).update(cancel_requested=True)
        args[0].cancel_requested = True
        return take_over(*args)

    monkeypatch.setattr(run.KINDS["customers"].writer, "take_over", cancelling)
    assert run.run_import(job.pk) == "cancelled"
    job.refresh_from_db()
    assert job.created == Customer.objects.count() == 99, "rows 2 to 100 of the file"
    assert run.run_import(job.pk) == ""
    assert not staging.exists(job.pk)


def test_a_second_worker_keeps_out(cafe: Any) -> None:
    """A worker that was thought dead and lives writes nothing any more."""
    job = upload(_many(10))
    services.start(actor=ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
    first = run.take(job.pk)
    assert first is not None
    assert run.take(job.pk) is None
    ImportJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    second = run.take(job.pk)
    assert second is not None
    with pytest.raises(run.Superseded), first.step():
        pass
    with second.step():
        pass


def test_unused_staging_goes(cafe: Any) -> None:
    job = check(upload(_many(3)))
    assert staging.drop_unused() == 0
    ImportJob.objects.update(updated_at=timezone.now() - timedelta(days=2))
    assert staging.drop_unused() == 1
    assert not staging.exists(job.pk)
    services.commit_checked(actor=ACTOR, job_id=job.pk)
    assert run.run_import(job.pk) == "completed"
    assert Customer.objects.count() == 3


def test_old_uploads_go_and_figures_stay(cafe: Any) -> None:
    job = check(upload("نام,موبایل\nسارا رضایی,09121111111\nعلی,1\n"))
    path = job.file.path
    assert services.purge_old() == 0
    ImportJob.objects.update(updated_at=timezone.now() - timedelta(days=31))
    assert services.purge_old() == 1
    job.refresh_from_db()
    assert not os.path.exists(path)
    assert (job.status, job.rejects.count(), job.rejected) == ("cancelled", 0, 1)


def _sent(content: str, **fields: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("guests.csv", content.encode()), **fields}


def test_api_from_upload_to_report(cafe: Any) -> None:
    client = cafe.api("integrator")
    text = "Who,Number\nSara Rezaei,09121111111\nAli Karimi,123\n"
    mapping = '{"Who": "name", "Number": "phone"}'
    answer = client.post(URL, _sent(text, mapping=mapping), format="multipart")
    assert answer.status_code == 202, answer.content
    first = answer.data["data"]["import"]
    assert first["dry_run"] is True
    assert first["status"] in ("pending", "running")
    run.run_import(UUID(first["id"]))
    read = client.get(f"/api/crm/imports/{first['id']}").data["data"]["import"]
    assert (read["status"], read["total_rows"], read["created"], read["rejected"]) == ("completed", 2, 1, 1)
    assert Customer.objects.count() == 0
    report = client.get(read["errors_url"])
    body = b"".join(report.streaming_content).decode("utf-8-sig")
    assert body.startswith("Who,Number,")
    assert "Ali Karimi,123,3," in body
    assert client.post(f"/api/crm/imports/{first['id']}/commit").status_code == 202
    run.run_import(UUID(first["id"]))
    assert client.get(f"/api/crm/imports/{first['id']}").data["data"]["import"]["dry_run"] is False
    assert Customer.objects.get().name == "Sara Rezaei"
    assert client.post(f"/api/crm/imports/{first['id']}/cancel").status_code == 409
    again = client.post(f"{URL}?commit=true", _sent(text, mapping=mapping), format="multipart")
    run.run_import(UUID(again.data["data"]["import"]["id"]))
    done = client.get(f"/api/crm/imports/{again.data['data']['import']['id']}").data["data"]["import"]
    assert (done["status"], done["created"], done["unchanged"]) == ("completed", 0, 1)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"mapping": "nonsense"}, "mapping"),
        ({"mapping": '{"Nothing": "phone"}'}, "mapping"),
        ({"mapping": '{"موبایل": "shoe_size"}'}, "mapping"),
        ({"mapping": '{"موبایل": ""}'}, "mapping"),
        ({"on_duplicate": "maybe"}, "on_duplicate"),
        ({"kind": "shoes"}, "kind"),
    ],
    ids=["not JSON", "unknown column", "unknown field", "no phone", "on_duplicate", "kind"],
)
def test_api_names_what_is_wrong(cafe: Any, fields: dict[str, str], named: str) -> None:
    answer = cafe.api("manager").post(
        URL, _sent("نام,موبایل\nسارا رضایی,09121111111\n", **fields), format="multipart"
    )
    assert answer.status_code == 400, answer.content
    assert named in answer.data["error"]["details"]
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("manager", True), ("integrator", True),
                                            ("staff", False), ("agent", False)])  # fmt: skip
def test_who_may_import(cafe: Any, role: str, may: bool) -> None:
    answer = cafe.api(role).post(URL, _sent("نام,موبایل\nسارا رضایی,09121111111\n"), format="multipart")
    assert (answer.status_code == 202) is may
    if role != "integrator":
        assert (cafe.browser(role).get("/customers/imports/").status_code == 200) is may


def test_a_neighbours_import_is_unknown(cafe: Any, other_cafe: Any) -> None:
    with tenant_context(other_cafe.cafe):
        job = upload(_many(2))
    for path in ("", "/commit", "/cancel", "/errors"):
        client = cafe.api("owner")
        call = client.get if path in ("", "/errors") else client.post
        assert call(f"/api/crm/imports/{job.pk}{path}").status_code == 404
    assert cafe.browser("owner").get(f"/customers/imports/{job.pk}/").status_code == 404


def test_the_wizard_without_scripts(cafe: Any) -> None:
    browser = cafe.browser("manager")
    text = "ستون یک,ستون دو\nسارا رضایی,09121111111\nعلی,1\n"
    page = browser.post("/customers/imports/", _sent(text))
    assert page.status_code == 302
    assert b"column-1" in browser.get(page["Location"]).content
    wrong = browser.post(page["Location"], {"column-0": "name"})
    assert wrong.status_code == 422
    assert browser.post(page["Location"], {"column-0": "name", "column-1": "phone"}).status_code == 302
    job = ImportJob.objects.get()
    assert browser.get(f"{page['Location']}status/", headers={"HX-Request": "true"}).status_code == 200
    run.run_import(job.pk)
    finished = browser.get(f"{page['Location']}status/", headers={"HX-Request": "true"})
    assert finished["HX-Refresh"] == "true"
    assert browser.post(f"{page['Location']}commit/").status_code == 302
    run.run_import(job.pk)
    assert Customer.objects.get().name == "سارا رضایی"
    assert browser.get(page["Location"]).status_code == 200
    report = browser.get(f"{page['Location']}report/")
    assert "علی" in b"".join(report.streaming_content).decode()


def _failing(monkeypatch: pytest.MonkeyPatch, after: int) -> list[int]:
    """Let every chunk that begins after row ``after`` break the database connection; returns what was tried."""
    tried: list[int] = []
    take_over = run.KINDS["customers"].writer.take_over

    def breaking(job: ImportJob, low: int, high: int, actor: Any) -> Any:
        tried.append(low)
        if low >= after:
            raise OperationalError("server closed the connection unexpectedly")
        return take_over(job, low, high, actor)

    monkeypatch.setattr(run, "CHUNK", 100)
    monkeypatch.setattr(run.KINDS["customers"].writer, "take_over", breaking)
    return tried


def test_a_failing_database_ends_the_import_which_can_go_on(
    cafe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = upload(_many(500))
    services.start(actor=ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
    with monkeypatch.context() as patch:
        tried = _failing(patch, after=200)
        waits = []
        for _attempt in range(MAX_ATTEMPTS):
            with pytest.raises(OperationalError):
                run.run_import(job.pk)
            job.refresh_from_db()
            if job.retry_at is not None and job.status == "running":
                waits.append((job.retry_at - timezone.now()).total_seconds())
                ImportJob.objects.update(updated_at=timezone.now() - timedelta(minutes=1))
                assert (run.run_import(job.pk), find_abandoned()) == ("", []), "it is not due yet"
                ImportJob.objects.update(retry_at=timezone.now())
                assert find_abandoned() == [job.pk]
    assert waits == sorted(waits)
    assert waits[-1] > 4 * waits[0]
    assert tried == [0, 100, *[200] * MAX_ATTEMPTS]
    assert (job.status, job.created, job.claim) == ("failed", 199, None)
    assert "پایگاه داده" in job.error or "database" in job.error
    page = cafe.browser("manager").get(f"/customers/imports/{job.pk}/").content.decode()
    assert f"/customers/imports/{job.pk}/again/" in page
    assert cafe.browser("staff").post(f"/customers/imports/{job.pk}/again/").status_code == 403
    assert cafe.browser("manager").post(f"/customers/imports/{job.pk}/again/").status_code == 302
    assert run.run_import(job.pk) == "completed"
    job.refresh_from_db()
    assert counts(job) == {"total_rows": 500, "created": 500, "updated": 0, "unchanged": 0, "rejected": 0}
    assert Customer.objects.count() == 500
    with pytest.raises(ImportNotPossible):
        services.try_again(actor=ACTOR, job_id=job.pk)


def test_a_row_that_kills_its_workers_ends_the_import(cafe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They die without a word, so the next ones count those that began; progress forgives."""
    job = upload(_many(300))
    services.start(actor=ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
    for _attempt in range(MAX_ATTEMPTS):
        assert run.take(job.pk) is not None
        ImportJob.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    assert run.run_import(job.pk) == ""
    job.refresh_from_db()
    assert (job.status, job.created, services.can_try_again(job)) == ("failed", 0, True)
    assert find_abandoned() == []
    again = f"/api/crm/imports/{job.pk}/retry"
    assert cafe.api("manager").get(f"/api/crm/imports/{job.pk}").json()["data"]["import"]["can_retry"] is True
    assert cafe.api("staff").post(again, {}, format="json").status_code == 403
    shown = cafe.api("manager").post(again, {}, format="json").json()["data"]["import"]
    assert (shown["status"], shown["error"], shown["can_retry"]) == ("pending", "", False)
    assert cafe.api("manager").post(again, {}, format="json").status_code == 409
    for _attempt in range(MAX_ATTEMPTS - 1):
        assert run.take(job.pk) is not None
        ImportJob.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    assert run.run_import(job.pk) == "completed"


def test_a_file_that_cannot_be_read_is_not_tried_again(cafe: Any) -> None:
    job = upload("نام,موبایل\nسارا رضایی,09121111111\n")
    with job.file.open("wb") as stored:
        stored.write("نام,موبایل\n".encode() + b'"' + b"x" * 5_000_000)
    services.start(actor=ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
    assert run.run_import(job.pk) == "failed"
    job.refresh_from_db()
    assert not services.can_try_again(job)
    with pytest.raises(ImportNotPossible):
        services.try_again(actor=ACTOR, job_id=job.pk)
