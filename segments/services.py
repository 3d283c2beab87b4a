"""The base segment of guests: of one at checkout, of the whole café at night. And changes of segments."""

from typing import Any

from django.db import connection
from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.utils import timezone, translation
from django.utils.translation import gettext

from customers.models import CustomerSummary
from segments.criteria import Context, compile_criteria
from segments.errors import SegmentLocked
from segments.models import Segment
from segments.system import base_segments
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.tenancy.current import get_cafe
from servaan_crm.tenancy.models import Cafe


def create_system_segments(cafe: Cafe) -> None:
    """Give a new café the built-in segments unless it has them."""
    with translation.override(cafe.language):
        for order, segment in enumerate(base_segments(cafe)):
            Segment.objects.get_or_create(
                key=segment.key,
                defaults={
                    "name": gettext(segment.name),
                    "description": gettext(segment.description),
                    "criteria": segment.criteria,
                    "is_system": True,
                    "color": segment.color,
                    "display_order": order,
                },
            )


def with_base_segment(rows: QuerySet[CustomerSummary]) -> QuerySet[Any]:
    """Annotate summaries with ``base_segment``: vip, regular, new or occasional, by today's facts.

    The built-in criteria are locked, so they are read from the code and cost no query.
    """
    cafe = get_cafe()
    context = Context(now=timezone.now(), locale=cafe.locale, annotations={})
    whens: list[tuple[Q, str]] = [
        (compile_criteria(segment.criteria, context), segment.base) for segment in base_segments(cafe)
    ]
    case = Case(
        *(When(condition, then=Value(base)) for condition, base in whens),
        default=Value(CustomerSummary.Segment.OCCASIONAL.value),
        output_field=CharField(),
    )
    return rows.annotate(**context.annotations).annotate(base_segment=case)


def refresh_customer(summary: CustomerSummary) -> str:
    """Bring one guest's base segment up to date with one query, plus one write if it changed.

    The caller holds the guest's lock and has saved the summary. Returns the segment.
    """
    row = with_base_segment(CustomerSummary.objects.filter(pk=summary.pk)).values_list(
        "base_segment", flat=True
    )
    segment = str(row.get())
    if segment != summary.segment:
        summary.segment = segment
        CustomerSummary.objects.filter(pk=summary.pk).update(segment=segment)
    return segment


def refresh_base_segments() -> int:
    """Bring every guest's base segment up to date in one statement; returns how many changed.

    Writes only the difference, and is safe to repeat. A guest whose figures a checkout changes at the
    same time is left to that checkout: PostgreSQL compares the new row with the figures that were read.
    """
    read = ("total_visits", "last_visit_number", "lifetime_spent", "tier")
    rows = with_base_segment(CustomerSummary.objects.all()).values_list("pk", "base_segment", *read)
    sql, params = rows.query.sql_with_params()
    unchanged = " AND ".join(f"target.{name} = source.{name}" for name in read)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_customersummary AS target SET segment = source.wanted"
            f" FROM ({sql}) AS source(pk, wanted, {', '.join(read)})"
            f" WHERE target.customer_id = source.pk AND target.segment <> source.wanted AND {unchanged}",
            params,
        )
        return cursor.rowcount


def save_segment(*, actor: Actor, segment: Segment) -> Segment:
    """Write a segment that a person added or changed.

    Raises:
        InvalidCriteria: the criteria cannot be read; names the place and what is allowed there.
        SegmentLocked: the segment is built in.
    """
    if segment.is_system:
        raise SegmentLocked(details={"segment": segment.key})
    compile_criteria(segment.criteria, Context(now=timezone.now(), locale=get_cafe().locale, annotations={}))
    with write(actor):
        segment.full_clean()
        segment.save()
    return segment
