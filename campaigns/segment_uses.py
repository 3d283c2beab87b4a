"""Segments that campaigns need, so that none of them is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.models import Campaign
from segments.models import Segment
from segments.uses import Use, names_segment, register_uses

# Campaigns that are over need their segment no more: whom it meant is written in their deliveries.
_OVER = (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED, Campaign.Status.FAILED)


@register_uses
def campaigns_with(segment: Segment) -> Iterator[Use]:
    """Yield the campaigns that are for guests of ``segment``, by choice or by a condition."""
    chosen = set(Campaign.objects.filter(segments=segment).values_list("pk", flat=True))
    for campaign in Campaign.objects.exclude(status__in=_OVER).only("pk", "name", "criteria"):
        if campaign.pk in chosen or names_segment(campaign.criteria, segment.key):
            yield Use("campaign", campaign.name, f"/campaigns/{campaign.pk}/")
