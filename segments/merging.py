"""The base segment follows the figures when two guests become one, and back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from customers.imports.undo_reasons import register_derived
from customers.merging.registry import Merge, Mover, register_mover
from segments.models import Segment, SegmentMembership
from segments.services import refresh_customer


class SegmentMover(Mover):
    """Base segment and memberships are worked out again once visits, points and tier have moved.

    A fixed list that holds the merged guest holds the kept one afterwards; RFM scores follow with the next
    calculation, and the history of coming and going stays where it was written.
    """

    name = "base_segment"
    label = _("Segment")
    handles = (
        "segments.SegmentMembership.customer",
        "segments.SegmentChange.customer",
        "segments.RfmScore.customer",
    )

    def move(self, merge: Merge) -> Any:
        guests = (merge.kept.pk, merge.merged.pk)
        before = SegmentMembership.objects.filter(customer_id__in=guests)
        moved = [[str(row.segment_id), str(row.customer_id), row.entered_at.isoformat()] for row in before]
        lists = before.filter(segment__kind=Segment.Kind.STATIC)
        theirs = set(lists.filter(customer=merge.merged).values_list("segment_id", flat=True))
        SegmentMembership.objects.bulk_create(
            [SegmentMembership(segment_id=pk, customer=merge.kept) for pk in theirs], ignore_conflicts=True
        )
        before.filter(customer=merge.merged).delete()
        return {"memberships": moved}

    def put_back(self, merge: Merge, moved: Any) -> None:
        SegmentMembership.objects.filter(customer_id__in=(merge.kept.pk, merge.merged.pk)).delete()
        SegmentMembership.objects.bulk_create(
            SegmentMembership(
                segment_id=UUID(segment), customer_id=UUID(guest), entered_at=datetime.fromisoformat(since)
            )
            for segment, guest, since in moved["memberships"]
            if Segment.objects.filter(pk=segment).exists()
        )

    def settle(self, merge: Merge) -> None:
        for guest in (merge.kept, merge.merged):
            refresh_customer(guest.summary)


register_mover(SegmentMover())

for model in ("segments.segmentmembership", "segments.segmentchange", "segments.rfmscore"):
    register_derived(model)
