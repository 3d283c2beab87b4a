"""Everything a guest sees on the own card, in a number of queries that does not depend on how much there is."""

from __future__ import annotations

from dataclasses import dataclass, field

from customers.models import Customer
from loyalty.card_links import read_card_token
from loyalty.models import GuestCard, LedgerEntry, LoyaltyAccount, LoyaltyProgram, Referral, Voucher
from loyalty.referral_families import heirs_of
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.rewards import RewardOffer, offers_for
from loyalty.selectors.stamps import StampState, stamps_of
from loyalty.selectors.status import LoyaltyStatus, status_of
from loyalty.selectors.vouchers import held_vouchers
from loyalty.services.ledger import usable_points

# A card is looked at on a phone: what is nearest, not everything.
REWARDS, VOUCHERS, MOVEMENTS = 6, 4, 6


@dataclass(frozen=True, slots=True)
class CardView:
    """The guest and what the card shows. ``usable`` points; ``more_vouchers``: how many are not shown."""

    customer: Customer
    status: LoyaltyStatus
    book: RuleBook
    program: LoyaltyProgram
    usable: int
    rewards: list[RewardOffer] = field(default_factory=list)
    vouchers: list[Voucher] = field(default_factory=list)
    more_vouchers: int = 0
    stamps: list[StampState] = field(default_factory=list)
    movements: list[LedgerEntry] = field(default_factory=list)
    friends: int = 0


def guest_of_token(token: str) -> Customer | None:
    """Return the guest a link opens; None when it is not ours, was renewed, or the guest is blocked, gone or erased."""
    key = read_card_token(token)
    owner = GuestCard.objects.filter(key=key).values_list("pk", flat=True).first() if key else None
    if owner is None:
        return None
    rows = Customer.objects.select_related("summary", "loyalty_account")
    guest = rows.filter(pk=heirs_of([owner])[owner], deleted_at=None, erased_at=None).first()
    return None if guest is None or guest.is_blocked else guest


def card_of(customer: Customer) -> CardView:
    """Return what the card of a guest (with its summary) shows."""
    book = get_rule_book()
    account = getattr(customer, "loyalty_account", None) or LoyaltyAccount(customer_id=customer.pk)
    offers = [
        offer
        for offer in offers_for(customer, book=book, account=account)
        if offer.reason in ("", "points", "tier")
    ]
    offers.sort(key=lambda offer: (bool(offer.reason), offer.reason == "tier", offer.missing, offer.price))
    vouchers = held_vouchers(customer)
    movements = LedgerEntry.objects.filter(customer_id=customer.pk).order_by("-sequence")
    brought = Referral.objects.filter(referrer_id=customer.pk, status=Referral.Status.REWARDED)
    return CardView(
        customer=customer,
        status=status_of(book, account, customer),
        book=book,
        program=LoyaltyProgram.objects.get(),
        usable=usable_points(account),
        rewards=offers[:REWARDS],
        vouchers=vouchers[:VOUCHERS],
        more_vouchers=max(0, len(vouchers) - VOUCHERS),
        stamps=stamps_of(customer),
        movements=list(movements[:MOVEMENTS]),
        friends=brought.count(),
    )
