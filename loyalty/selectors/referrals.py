"""Who brought whom, what it cost and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from customers.models import Customer, CustomerSummary
from customers.selectors.search import search_customers
from loyalty.models import Referral
from loyalty.referral_errors import ReferralNotFound
from loyalty.referral_families import family_of

_MONEY: DecimalField[Any, Any] = DecimalField(max_digits=16, decimal_places=2)


def list_referrals(filters: Mapping[str, Any] | None = None) -> QuerySet[Referral]:
    """Return referrals, newest first, with both guests and ``revenue``: what the friend spent so far (base unit).

    Args:
        filters: any of ``search`` (finds either guest), ``status``, ``referrer_id``, ``friend_id``.
    """
    wanted = filters or {}
    spent = CustomerSummary.objects.filter(pk=OuterRef("friend_id")).values("lifetime_spent")[:1]
    nothing = Value(Decimal(0), output_field=_MONEY)
    rows = Referral.objects.select_related("referrer", "friend", "visit").annotate(
        revenue=Coalesce(Subquery(spent), nothing)
    )
    if wanted.get("status"):
        rows = rows.filter(status=wanted["status"])
    for name in ("referrer_id", "friend_id"):
        if wanted.get(name):
            rows = rows.filter(**{f"{name}__in": family_of(wanted[name])})
    if search := (wanted.get("search") or "").strip():
        found = search_customers(Customer.objects.all(), search).values("pk")
        rows = rows.filter(Q(referrer__in=found) | Q(friend__in=found))
    return rows.order_by("-created_at", "-id")


def get_referral(referral_id: UUID) -> Referral:
    """Return one referral. Raises ReferralNotFound."""
    row = list_referrals().filter(pk=referral_id).first()
    if row is None:
        raise ReferralNotFound(details={"referral_id": str(referral_id)})
    return row


def count_by_status() -> dict[str, int]:
    """Return how many referrals there are of each status; one query."""
    names = Referral.Status.values
    return Referral.objects.aggregate(**{name: Count("pk", filter=Q(status=name)) for name in names})


def referral_figures(rows: QuerySet[Referral]) -> dict[str, Any]:
    """Return ``friends`` rewarded, ``points`` given to both sides and ``revenue`` of those friends (base unit)."""
    paid = rows.filter(status=Referral.Status.REWARDED).order_by()
    return paid.aggregate(
        friends=Count("pk"),
        points=Coalesce(Sum(F("referrer_points") + F("friend_points")), 0),
        revenue=Coalesce(Sum("friend__summary__lifetime_spent"), Value(Decimal(0), output_field=_MONEY)),
    )


def referral_of(customer_id: UUID) -> Referral | None:
    """Return who brought this guest, if anybody did; the oldest that counts, of the records merged into it too."""
    rows = list_referrals({"friend_id": customer_id}).order_by("created_at")
    return rows.exclude(status=Referral.Status.REFUSED).first() or rows.first()
