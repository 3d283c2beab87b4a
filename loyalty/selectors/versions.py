"""The history of the program: who changed what, and which rows of the ledger each version made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from loyalty.models import LedgerEntry, ProgramVersion
from servaan_crm.core.errors import NotFound

# A checkout may have read a version just before the next one was made, and committed after it.
_OVERLAP = timedelta(hours=1)
MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class RowCount:
    """A number of rows, counted up to a limit; ``is_more`` says that there are more."""

    number: int
    is_more: bool


def list_versions() -> QuerySet[Any]:
    """Return the versions, newest first, each with the rules of the one before as ``before`` (None: the first)."""
    earlier = ProgramVersion.objects.filter(version__lt=OuterRef("version")).order_by("-version")
    return ProgramVersion.objects.select_related("created_by").annotate(
        before=Subquery(earlier.values("rules")[:1])
    )


def get_version(number: int) -> Any:
    """Return one version as :func:`list_versions` gives it. Raises NotFound."""
    row = list_versions().filter(version=number).first()
    if row is None:
        raise NotFound(details={"version": number})
    return row


def rows_of_version(version: ProgramVersion) -> QuerySet[LedgerEntry]:
    """Return the ledger rows a version made, newest first.

    The ledger has an index on time and none on the version, so the time the version was in force bounds the search.
    """
    rows = LedgerEntry.objects.filter(rule_version=version.version).order_by("-created_at", "-id")
    after = ProgramVersion.objects.filter(version__gt=version.version).order_by("version").first()
    if after is not None:
        rows = rows.filter(created_at__lte=after.created_at + _OVERLAP)
    if ProgramVersion.objects.filter(version__lt=version.version).exists():
        rows = rows.filter(created_at__gte=version.created_at - _OVERLAP)
    return rows


def count_rows(rows: QuerySet[Any]) -> RowCount:
    """Count up to a limit, so that a version of years does not cost a scan of the ledger."""
    number = rows.order_by()[: MAX_COUNTED + 1].count()
    return RowCount(min(number, MAX_COUNTED), number > MAX_COUNTED)
