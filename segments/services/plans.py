"""The compiled segments of a café, kept in each process as long as they are right."""

from __future__ import annotations

from threading import Lock

from django.db import connection
from django.utils import timezone

from customers.selectors.derived import Thresholds
from segments.language import Compiled, compile_segments
from segments.models import Segment, SegmentsState
from servaan_crm.l10n.jalali import local_date
from servaan_crm.tenancy.current import get_cafe

# A process serves many cafés; the oldest plans go when there are more.
MOST_PLANS = 500
_plans: dict[tuple[str, str], Compiled] = {}
_lock = Lock()


def read_version() -> int:
    """Return which version of the café's segments is in force."""
    found = SegmentsState.objects.values_list("version", flat=True).first()
    return found or 0


def compile_now(*, version: int | None = None) -> Compiled:
    """Compile the active segments of the café as they stand in the database."""
    version = read_version() if version is None else version
    return compile_segments(list(Segment.objects.all()), version=version)


def get_plan() -> Compiled:
    """Return the café's compiled segments, from this process's memory while day and settings are the same.

    The version is not looked up: whoever uses the plan reads ``segments_segmentsstate`` in the same query and calls
    :func:`fresh_plan` when it differs. So the usual refresh of a guest is one query.
    """
    key = _key()
    with _lock:
        found = _plans.get(key)
    if found is not None and found.day == local_date(timezone.now(), get_cafe().locale):
        return found
    return fresh_plan()


def fresh_plan() -> Compiled:
    """Compile again, and keep the result."""
    compiled = compile_now()
    with _lock:
        _plans.pop(_key(), None)
        while len(_plans) >= MOST_PLANS:
            _plans.pop(next(iter(_plans)))
        _plans[_key()] = compiled
    return compiled


def _key() -> tuple[str, str]:
    cafe = get_cafe()
    return (
        f"{connection.settings_dict['NAME']}:{cafe.schema_name}:{cafe.pk}",
        f"{Thresholds.of_cafe()} {cafe.locale}",
    )
