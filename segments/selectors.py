"""Reads of the segments room."""

from django.db.models import Count, Q
from django.utils import timezone

from customers.models import CustomerSummary
from segments.criteria import Context, compile_criteria
from segments.models import Segment
from servaan_crm.tenancy.current import get_cafe


def list_segments_with_counts() -> list[tuple[Segment, int]]:
    """Return the active segments with how many guests match now, all counted in one query."""
    segments = list(Segment.objects.filter(is_active=True))
    context = Context(now=timezone.now(), locale=get_cafe().locale, annotations={})
    conditions = [compile_criteria(segment.criteria, context) for segment in segments]
    counts = {f"n{index}": Count("pk", filter=condition or Q()) for index, condition in enumerate(conditions)}
    rows = CustomerSummary.objects.filter(customer__deleted_at=None).annotate(**context.annotations)
    found = rows.aggregate(**counts) if counts else {}
    return [(segment, found[f"n{index}"]) for index, segment in enumerate(segments)]
