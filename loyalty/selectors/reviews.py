"""Reads of reviews, and their evidence in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer, Visit
from loyalty.models import LedgerEntry, ReviewItem
from loyalty.review_errors import ReviewNotFound
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.money import format_number

# Rows of evidence that a screen shows; the API gives all ids.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Reversal:
    """What taking back would do now: open entries, their points, and how many of these are spent already."""

    entries: int
    points: int
    shortfall: int
    referrals: int


def list_reviews(filters: Mapping[str, Any] | None = None) -> QuerySet[ReviewItem]:
    """Return reviews with guest and staff, the worst first.

    Args:
        filters: any of ``status``, ``signal``, ``customer_id``, ``staff_id``.
    """
    rows = ReviewItem.objects.select_related("customer__loyalty_account", "staff", "decided_by")
    wanted = {name: value for name, value in (filters or {}).items() if value}
    return rows.filter(**wanted).order_by("-score", "-created_at", "-id")


def get_review(review_id: UUID) -> ReviewItem:
    """Return one review. Raises ReviewNotFound."""
    item = list_reviews().filter(pk=review_id).first()
    if item is None:
        raise ReviewNotFound(details={"review_id": str(review_id)})
    return item


def count_open() -> int:
    """Return how many reviews wait for a decision."""
    return ReviewItem.objects.filter(status=ReviewItem.Status.OPEN).count() if is_enabled("loyalty") else 0


def count_by_status() -> dict[str, int]:
    """Return how many reviews there are in each state; one query."""
    states = ReviewItem.Status.values
    return ReviewItem.objects.aggregate(**{name: Count("pk", filter=Q(status=name)) for name in states})


def entries_of(items: list[ReviewItem]) -> dict[UUID, list[LedgerEntry]]:
    """Return review → the ledger entries of its evidence, oldest first; one query for all."""
    wanted = {pk for item in items for pk in item.evidence.get("entries", [])}
    rows = (
        LedgerEntry.objects.filter(pk__in=wanted).select_related("visit", "created_by").order_by("created_at")
    )
    found = {str(row.pk): row for row in rows.prefetch_related("reversals")}
    return {item.pk: [found[pk] for pk in item.evidence.get("entries", []) if pk in found] for item in items}


def open_entries(item: ReviewItem) -> list[LedgerEntry]:
    """Return what taking back would reverse: entries that gave points and that nothing has reversed."""
    if item.signal == ReviewItem.Signal.VOID_AFTER_REDEMPTION:
        return []  # the evidence is the reversal itself
    ids = item.evidence.get("entries", [])
    rows = LedgerEntry.objects.filter(pk__in=ids, points__gt=0, reversals=None).select_related("visit")
    return list(rows.order_by("sequence"))


def foresee_reversal(item: ReviewItem, entries: list[LedgerEntry]) -> Reversal:
    """Say what taking back would do now, from the entries already read."""
    still = [row for row in entries if row.points > 0 and not row.reversals.all()]
    if item.signal == ReviewItem.Signal.VOID_AFTER_REDEMPTION:
        still = []
    points = sum(row.points for row in still)
    account = getattr(item.customer, "loyalty_account", None) if item.customer else None
    balance = account.balance if account else 0
    referrals = len(item.evidence.get("referrals", [])) or int("referral_id" in item.evidence)
    return Reversal(len(still), points, max(0, points - balance), referrals)


def sentence_of(item: ReviewItem, guests: Mapping[UUID, str] | None = None) -> str:
    """Return the evidence as one sentence in the reader's language; names follow from ids, nothing is stored twice.

    Args:
        guests: names of the guests of referral rings, by id (see :func:`guests_of`).
    """
    seen, signals = item.evidence, ReviewItem.Signal
    if not seen:
        return _("The evidence was erased with the guest.")
    staff = item.staff.display_name if item.staff else _("Somebody")
    guest = item.customer.name if item.customer else _("a guest")
    number = {
        name: format_number(seen.get(name, 0))
        for name in ("times", "points", "most", "days", "count", "limit")
    }
    words = {"staff": staff, "guest": guest, **number}
    texts: dict[str, str] = {
        signals.SAME_STAFF: _(
            "%(staff)s credited %(guest)s %(times)s times in %(days)s days: %(points)s points."
        ),
        signals.MANY_ACCRUALS: _(
            "%(guest)s collected points %(times)s times in one day (usual: at most %(most)s): %(points)s points."
        ),
        signals.LARGE_ADJUSTMENT: _(
            "%(staff)s changed the points of %(guest)s by hand: %(points)s points in one day."
        ),
        signals.SELF_CREDIT: _("%(staff)s credited their own number (%(guest)s): %(points)s points."),
        signals.VOID_AFTER_REDEMPTION: _(
            "%(guest)s spent the points of a bill, then it was voided by %(staff)s: %(points)s points could not be"
            " taken back."
        ),
    }
    if item.signal == signals.REFERRAL_RING:
        names = [(guests or {}).get(UUID(pk), "…") for pk in seen.get("guests", [])]
        return _("Guests bring each other in a ring: %(names)s.") % {"names": " ← ".join(names)}
    if item.signal == signals.REFERRAL_BURST:
        who = staff if seen.get("by") == "staff" else guest
        count = int(seen.get("count", 0))
        text = ngettext(
            "%(who)s: %(count)s friend entered in one day.",
            "%(who)s: %(count)s friends entered in one day.",
            count,
        )
        return text % {"who": who, **number}
    return texts[item.signal] % words


def guests_of(items: list[ReviewItem]) -> dict[UUID, str]:
    """Return id → name of the guests that rings of referrals name; one query, none without rings."""
    ids = {pk for item in items for pk in item.evidence.get("guests", [])}
    return dict(Customer.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


def visits_of(item: ReviewItem) -> list[Visit]:
    """Return the visits of the evidence, oldest first."""
    return list(Visit.objects.filter(pk__in=item.evidence.get("visits", [])[:SHOWN]).order_by("visit_date"))
