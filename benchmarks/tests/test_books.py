"""The file that is measured is one an import takes over whole, and both sides move the same guests."""

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import connection

from benchmarks import books
from customers.imports.run import run_import
from customers.imports.services import start, upload
from customers.models import Customer, ImportJob


def test_the_measured_file_is_taken_over_whole(cafe: Any, tmp_path: Path) -> None:
    path = tmp_path / "guests.csv"
    books.write_file(path, 300)
    with path.open("rb") as file:
        job = upload(actor=books.ACTOR, file=UploadedFile(file, name="guests.csv", size=path.stat().st_size))
    start(actor=books.ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
    run_import(job.pk)
    job = ImportJob.objects.get(pk=job.pk)
    assert (job.status, job.created, job.rejected) == ("completed", 300, 0)
    guests = Customer.objects.all()
    assert guests.exclude(birthday=None).count() == 300
    assert 0 < guests.exclude(email="").count() < 300
    assert 0 < guests.exclude(notes="").count() < 300
    assert books._copy_in(tmp_path / "guests.copy") > 0
    assert books._copy_out() > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [books.PEER])
        assert cursor.fetchone() == (None,)
