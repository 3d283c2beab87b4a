"""A worker in a process of its own, to be killed: ``python -m … <schema> <job> <chunks before it stops>``.

It stops inside the transaction of a chunk, prints one line and then waits for its end.
"""

from __future__ import annotations

import sys
import time
from typing import Any
from uuid import UUID

import django


def main(schema: str, job_id: str, chunks: int) -> None:
    """Work on the job in chunks of 100 rows; stop in the middle of the chunk after ``chunks``."""
    django.setup()
    from django_tenants.utils import get_tenant_model, tenant_context

    from customers.imports import run
    from servaan_crm.l10n.locale import use_locale

    cafe = get_tenant_model().objects.get(schema_name=schema)
    run.CHUNK = 100
    kind = run.KINDS["customers"]
    take_over, done = kind.writer.take_over, 0

    def stopping(*args: Any) -> Any:
        nonlocal done
        counts = take_over(*args)
        done += 1
        if done > chunks:
            sys.stdout.write("stopped\n")
            sys.stdout.flush()
            time.sleep(60)
        return counts

    kind.writer.take_over = stopping
    with tenant_context(cafe), use_locale(cafe.locale):
        run.run_import(UUID(job_id))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
