"""What referrals and cards hear from the other rooms: visits, merges, a guest to be forgotten, a data export."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from customers.merging.registry import Stays, register_mover
from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from loyalty.models import GuestCard, Referral, ReferralCode
from loyalty.referral_families import family_of, ring_of
from loyalty.services.referral_rewards import note_ring, settle_friend
from servaan_crm.core.actors import system
from servaan_crm.core.events import subscribe

ACTOR = system("referrals")


@subscribe("visit.recorded")
@subscribe("visit.voided")
@subscribe("visit.edited")
@subscribe("visit.restored")
@subscribe("visit.moved")
def settle_referrals(payload: dict[str, Any]) -> None:
    """Look again at who brought the guest of this visit, and the one it was taken from."""
    guests = {str(who) for name in ("customer_id", "from_customer_id") if (who := payload.get(name))}
    for customer_id in sorted(guests):
        settle_friend(actor=ACTOR, customer_id=UUID(customer_id))


@subscribe("customer.merged")
@subscribe("customer.merge_undone")
def look_at_merged(payload: dict[str, Any]) -> None:
    """Guests who brought each other and turn out to be one, or to stand in a ring, are noted for review.

    Points stay as they are: the merge can still be undone. What waits is judged with the next visit.
    """
    rows = Referral.objects.filter(
        friend_id__in=family_of(UUID(payload["kept_id"])), status=Referral.Status.REWARDED
    )
    for row in rows:
        if ring := ring_of(
            referrer_id=row.referrer_id, friend_ids=family_of(row.friend_id), referral_id=row.pk
        ):
            note_ring(row, ring)


@subscribe("customer.erased")
def forget_links(payload: dict[str, Any]) -> None:
    """An erased guest's code brings nobody any more, and its card opens no more. Who brought whom stays, nameless."""
    family = family_of(UUID(payload["customer_id"]))
    ReferralCode.objects.filter(pk__in=family).delete()
    GuestCard.objects.filter(pk__in=family).delete()


def _brought(customer: Customer) -> list[dict[str, Any]]:
    rows = Referral.objects.filter(referrer=customer).order_by("created_at")
    return rows_as_dicts(rows, "created_at", "status", "referrer_points", "rewarded_at")


def _brought_by(customer: Customer) -> list[dict[str, Any]]:
    rows = Referral.objects.filter(friend=customer)
    return rows_as_dicts(rows, "created_at", "status", "friend_points", "rewarded_at")


def _code(customer: Customer) -> list[dict[str, Any]]:
    return rows_as_dicts(ReferralCode.objects.filter(pk=customer.pk), "code", "created_at")


register_export("friends_brought", _brought, label=_("Friends brought"))
register_export("brought_by", _brought_by, label=_("Brought by a friend"))
register_export("referral_code", _code, label=_("Referral code"))
register_mover(
    Stays("guest_cards", {"loyalty.GuestCard.customer": "both links go on working and show the kept guest"})
)
