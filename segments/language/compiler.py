"""From segments to one query: every segment of a café and the base segment, judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import CustomerSummary
from customers.selectors.derived import Facts, Thresholds
from segments.errors import InvalidCriteria
from segments.language.plan import GUEST, Plan
from segments.language.sql import Sql, joined, sql, value
from segments.language.tree import Group, Reader, condition
from segments.language.values import fail
from segments.models import Segment
from segments.system import base_segments
from servaan_crm.tenancy.current import get_cafe


def new_plan(now: datetime | None = None) -> Plan:
    """Return an empty plan of the café in hand; it is right until the local midnight."""
    now = now or timezone.now()
    locale = get_cafe().locale
    return Plan(now=now, locale=locale, facts=Facts(now, locale, Thresholds.of_cafe()))


def read_criteria(
    criteria: Any, plan: Plan, *, segments: Mapping[str, Segment] | None = None, key: str = ""
) -> Group:
    """Return the tree of one segment's criteria. Raises InvalidCriteria."""
    return Reader(plan, segments).read(criteria, key=key)


def check_criteria(criteria: Any, *, segments: Mapping[str, Segment], key: str) -> None:
    """Refuse criteria that cannot be read, or that PostgreSQL will not run: a checkout asks all segments at once.

    Raises InvalidCriteria.
    """
    plan = new_plan()
    test = condition(read_criteria(criteria, plan, segments=segments, key=key))
    try:
        with transaction.atomic():
            fetch(sql("SELECT 1 FROM {} AND {} LIMIT 0", plan.source(), test))
    except (DatabaseError, ValueError) as error:
        raise fail("criteria", _("the database cannot work with these values"), []) from error


@dataclass(slots=True)
class Compiled:
    """Segments of one café as one query. ``broken``: those whose criteria no longer read, with the reason."""

    plan: Plan
    ids: list[UUID]
    tests: list[Sql]
    base: Sql
    broken: dict[UUID, str]
    version: int = 0
    # The version of each segment that was compiled.
    versions: list[int] = field(default_factory=list)
    # Whether any of them was calculated before: only then coming and going is news.
    has_history: bool = False

    @property
    def day(self) -> date:
        """The local day this is right for."""
        return self.plan.today

    def verdicts(self, guests: Sequence[UUID] | None = None, *, extra: Sql | None = None) -> Sql:
        """Return ``SELECT guest, base segment, ids of the segments it is in (ascending)[, extra]``.

        Args:
            guests: judge only these; None: everybody.
            extra: more columns of the select list.
        """
        cases = joined(
            ", ",
            (
                sql("CASE WHEN {} THEN {}::uuid END", test, value(pk))
                for pk, test in zip(self.ids, self.tests, strict=True)
            ),
        )
        found = sql("ARRAY_REMOVE(ARRAY[{}]::uuid[], NULL)", cases) if self.ids else Sql("ARRAY[]::uuid[]")
        more = sql(", {}", extra) if extra else Sql("")
        return sql(
            f"SELECT {GUEST}.id, {{}} AS base, {{}} AS segs{{}} FROM {{}}",
            self.base,
            found,
            more,
            self.plan.source(guests),
        )


def compile_segments(
    segments: Sequence[Segment], *, now: datetime | None = None, version: int = 0
) -> Compiled:
    """Compile the dynamic ones of ``segments`` and the base segment; what does not read any more is left out.

    ``segments`` are all segments of the café: the criteria of one may name another, also one that is switched off
    and so not judged itself.
    """
    plan = new_plan(now)
    by_key = {segment.key: segment for segment in segments}
    compiled = Compiled(plan, [], [], _base(plan), {}, version)
    for segment in sorted(segments, key=lambda one: one.pk):
        if segment.is_static or not segment.is_active:
            continue
        try:
            tree = read_criteria(segment.criteria, plan, segments=by_key, key=segment.key)
        except InvalidCriteria as error:
            compiled.broken[segment.pk] = str(error)
            continue
        compiled.ids.append(segment.pk)
        compiled.versions.append(segment.version)
        compiled.has_history = compiled.has_history or segment.last_calculated_at is not None
        compiled.tests.append(condition(tree))
    return compiled


def _base(plan: Plan) -> Sql:
    """Return the base segment as an expression: the first built-in one that fits, else "occasional".

    The built-in criteria are locked, so they are read from the code.
    """
    cases = Sql("")
    for segment in base_segments(get_cafe()):
        test = condition(read_criteria(segment.criteria, plan))
        cases += sql(" WHEN {} THEN {}", test, value(segment.base))
    return sql("(CASE{} ELSE {} END)::text", cases, value(str(CustomerSummary.Segment.OCCASIONAL.value)))


def fetch(query: Sql) -> list[tuple[Any, ...]]:
    """Run a query and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(query.text, query.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
