"""Changes of segments: the built-in ones, and those of the café."""

from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext

from segments.errors import SegmentLocked
from segments.language import new_plan, read_criteria
from segments.models import Segment, SegmentsState
from segments.system import base_segments
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
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
    raise_version()


def raise_version() -> None:
    """Let every process compile the café's segments again. Called in the transaction of the change."""
    if not SegmentsState.objects.update(version=F("version") + 1):
        SegmentsState.objects.get_or_create(singleton=True)


def save_segment(*, actor: Actor, segment: Segment) -> Segment:
    """Write a segment that a person added or changed.

    Raises:
        InvalidCriteria: the criteria cannot be read; names the place and what is allowed there.
        SegmentLocked: the segment is built in.
    """
    if segment.is_system:
        raise SegmentLocked(details={"segment": segment.key})
    others = {other.key: other for other in Segment.objects.exclude(pk=segment.pk)}
    if not segment.is_static:
        read_criteria(segment.criteria, new_plan(), segments=others | {segment.key: segment}, key=segment.key)
    with write(actor):
        segment.full_clean()
        segment.save()
        raise_version()
    return segment
