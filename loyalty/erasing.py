"""What the club does when a guest asks to be forgotten. The ledger keeps its figures and loses its words."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat, Replace, Upper
from django.utils.translation import gettext as _
from django.utils.translation import override

from loyalty.models import (
    DiscountCode,
    LedgerEntry,
    RedemptionCode,
    Referral,
    ReviewItem,
    TierChange,
    Voucher,
)
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.core.erasure import erasing, scrub_trail
from servaan_crm.core.events import subscribe
from servaan_crm.tenancy.current import get_cafe

_KEEP = {
    "loyalty_voucher": ("id", "customer_id", "reward_id", "status", "source", "points_paid", "entry_id", "used_at",
                        "used_visit_id", "discount_given", "expires_on"),
    "loyalty_discountcode": ("id", "customer_id", "kind", "value", "times_used", "is_active"),
    "loyalty_referral": ("id", "referrer_id", "friend_id", "status", "visit_id", "referrer_points", "friend_points"),
    "loyalty_reviewitem": ("id", "signal", "customer_id", "staff_id", "day", "score", "status", "decided_at"),
}  # fmt: skip


@subscribe("customer.erased")
def erase_club(payload: dict[str, Any]) -> None:
    """Take the words out of ledger, vouchers, personal codes, referrals and reviews, and what still opens a door.

    Unused vouchers are cancelled, a personal code (which may be the guest's name) gets a meaningless one, codes by SMS
    go. What was used, when and for how much stays: it is the café's figures.
    """
    guest = payload["customer_id"]
    vouchers = Voucher.objects.filter(customer_id=guest)
    codes = DiscountCode.objects.filter(customer_id=guest)
    referrals = Referral.objects.filter(referrer_id=guest) | Referral.objects.filter(friend_id=guest)
    reviews = ReviewItem.objects.filter(customer_id=guest)
    with write(system("erase")):
        RedemptionCode.objects.filter(customer_id=guest).delete()
        _erase_vouchers(vouchers)
        codes.update(name="", is_active=False, code=_meaningless())
        referrals.update(reason="")
        reviews.filter(status=ReviewItem.Status.OPEN).update(status=ReviewItem.Status.DISMISSED)
        reviews.update(evidence={}, decision_note="")
        TierChange.objects.filter(customer_id=guest).update(reason="")
        with erasing():
            worded = LedgerEntry.objects.filter(customer_id=guest).exclude(
                description="", notes="", reference=""
            )
            worded.update(description="", notes="", reference="")
        rows: tuple[QuerySet[Any], ...] = (vouchers, codes, referrals, reviews)
        for found in rows:
            table = found.model._meta.db_table
            scrub_trail(table, found.values_list("pk", flat=True), keep=_KEEP[table])


def _erase_vouchers(vouchers: QuerySet[Voucher]) -> None:
    with override(get_cafe().language):
        nameless = _("Voucher")
    vouchers.filter(status=Voucher.Status.ISSUED).update(status=Voucher.Status.CANCELLED)
    vouchers.filter(reward=None).update(name=nameless)
    vouchers.update(closed_reason="")


def _meaningless() -> Concat:
    """Return a code made of the row's own id: unique, and it says nothing."""
    return Concat(Value("GONE-"), Upper(Replace(Cast(F("pk"), CharField()), Value("-"), Value(""))))
