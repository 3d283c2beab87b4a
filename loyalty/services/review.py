"""Signals of misuse are noted for a person to look at; nothing is blocked by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.utils import timezone

from loyalty.models import ReviewItem
from servaan_crm.l10n.jalali import local_date


def raise_signal(
    signal: str,
    *,
    subject: str,
    evidence: Mapping[str, Any],
    customer_id: UUID | None = None,
    staff_id: UUID | None = None,
    day: date | None = None,
    score: int = 1,
) -> None:
    """Note something unusual, in the caller's transaction; the same ``subject`` again only renews its evidence.

    Args:
        signal: a value of ``ReviewItem.Signal``.
        subject: what makes it the same case, such as "referral_ring:<id>".
        evidence: plain JSON values.
        day: in the café's calendar of days; today when left out.
        score: how much it weighs beside others.
    """
    item = ReviewItem(
        signal=signal,
        subject=subject,
        customer_id=customer_id,
        staff_id=staff_id,
        day=day or local_date(timezone.now()),
        score=score,
        evidence=dict(evidence),
    )
    ReviewItem.objects.bulk_create(
        [item],
        update_conflicts=True,
        unique_fields=["subject"],
        update_fields=["evidence", "score", "updated_at"],
    )
