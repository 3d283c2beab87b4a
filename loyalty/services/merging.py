"""Points and tier when two guests become one. The ledger only grows, so points move through it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.merging.registry import Merge, Mover, Outcome, Part, register_mover
from customers.models import Customer, CustomerSummary
from loyalty.lots import Lot
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.rules import RuleBook, TierRule
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import get_account, tier_measure
from loyalty.services.ledger import Movement, account_of, change_tier, open_lots, post, usable_points
from servaan_crm.core.actors import Actor

_EARNED, _REDEEMED = LedgerEntry.Type.MERGE_EARNED, LedgerEntry.Type.MERGE_REDEEMED


class LoyaltyMover(Mover):
    """Carries what was earned and redeemed over all time to the kept guest; its tier rises, never falls.

    Entries and the history of tiers stay where they were written.
    """

    name = "loyalty"
    label = _("Points")
    handles = (
        "loyalty.LoyaltyAccount.customer",
        "loyalty.LedgerEntry.customer",
        "loyalty.TierChange.customer",
    )
    order = 60

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        balance = LoyaltyAccount.objects.filter(pk=merged_id).values_list("balance", flat=True).first()
        return (Part("points", self.label, "star", balance or 0),)

    def foresee(self, kept: Customer, merged: Customer, outcome: Outcome) -> None:
        book, ours, theirs = get_rule_book(), get_account(kept), get_account(merged)
        sum_of_both = LoyaltyAccount(
            tier=ours.tier, points_earned_total=ours.points_earned_total + theirs.points_earned_total
        )
        outcome.points = usable_points(ours) + usable_points(theirs)
        outcome.tier = _tier(book, sum_of_both, theirs, outcome.lifetime_spent).level

    def move(self, merge: Merge) -> dict[str, Any]:
        book, ours, theirs = get_rule_book(), account_of(merge.kept), account_of(merge.merged)
        for customer, account in ((merge.kept, ours), (merge.merged, theirs)):  # what is over does not move
            post(actor=merge.actor, customer=customer, account=account, movements=[], book=book)
        moved: dict[str, Any] = {
            "earned": theirs.points_earned_total,
            "redeemed": theirs.points_redeemed_total,
            "tier": [ours.tier, _text(ours.tier_start_date), _text(ours.tier_expires_date)],
            "tier_change": None,
            "lots": [[_text(lot.expires_on), lot.points] for lot in open_lots(theirs)],
        }
        text = _("Merged with another record of the same guest")
        _carry(merge.actor, merge.merged, theirs, book, moved, gain=False, text=text, merge=merge)
        _carry(merge.actor, merge.kept, ours, book, moved, gain=True, text=text, merge=merge)
        wanted = _tier(book, ours, theirs, merge.kept.summary.lifetime_spent)
        if wanted.level != ours.tier:
            change = change_tier(
                customer=merge.kept, account=ours, to_tier=wanted.level, visit=None, reason="merge", book=book
            )
            if wanted.level == theirs.tier:
                ours.tier_expires_date = theirs.tier_expires_date
            moved["tier_change"] = str(change.pk)
        _save(merge.kept, ours)
        _save(merge.merged, theirs)
        return moved

    def put_back(self, merge: Merge, moved: Any) -> None:
        book, ours, theirs = get_rule_book(), account_of(merge.kept), account_of(merge.merged)
        text = _("Merge undone")
        _carry(merge.actor, merge.kept, ours, book, moved, gain=False, text=text, merge=merge)
        _carry(merge.actor, merge.merged, theirs, book, moved, gain=True, text=text, merge=merge)
        if moved["tier_change"]:
            TierChange.objects.filter(pk=moved["tier_change"]).delete()
        tier, start, expires = moved["tier"]
        ours.tier, ours.tier_start_date, ours.tier_expires_date = tier, _day(start), _day(expires)
        _save(merge.kept, ours)
        _save(merge.merged, theirs)

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        accounts = LoyaltyAccount.objects.filter(pk__in=(kept_id, merged_id)).order_by("pk")
        entries = LedgerEntry.objects.filter(customer_id__in=(kept_id, merged_id))
        changes = TierChange.objects.filter(customer_id__in=(kept_id, merged_id))
        state = [[str(row.pk), row.last_sequence, row.tier] for row in accounts]
        return [state, entries.count(), changes.count()]


def _tier(book: RuleBook, ours: LoyaltyAccount, theirs: LoyaltyAccount, spent: Any) -> TierRule:
    """Return the highest of: the tier of either, and what both together reached."""
    reached = book.tier_for(tier_measure(book, ours, spent))
    return max((book.tier(ours.tier), book.tier(theirs.tier), reached), key=lambda tier: tier.threshold)


def _carry(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    book: RuleBook,
    moved: dict[str, Any],
    *,
    gain: bool,
    text: Promise,
    merge: Merge,
) -> None:
    """Post the totals to the guest who gains them, or off the one who loses them; never below zero between.

    What was redeemed goes through a lot of its own that is gone again at once, so that the open lots keep their days.
    """
    carried = tuple(Lot(_day(day), points) for day, points in moved.get("lots", []))
    passing = (Lot(date.min, moved["redeemed"]),) if moved["redeemed"] else ()
    kinds = [(_EARNED, moved["earned"], (*passing, *carried)), (_REDEEMED, -moved["redeemed"], passing)]
    if not gain:
        kinds = [(kind, -points, lots) for kind, points, lots in reversed(kinds)]
    other = merge.merged if customer.pk == merge.kept.pk else merge.kept
    movements = [
        Movement(
            type=kind, points=points, description=text, reference=f"merge:{merge.id}", lots=lots,
            explanation={"merge_id": str(merge.id), "other_customer_id": str(other.pk)},
        )
        for kind, points, lots in kinds
    ]  # fmt: skip
    post(actor=actor, customer=customer, account=account, movements=movements, book=book)


def _save(customer: Customer, account: LoyaltyAccount) -> None:
    if account.last_sequence or account.tier != customer.summary.tier or account.created_at:
        account.save()
    customer.summary.points, customer.summary.tier = account.balance, account.tier
    CustomerSummary.objects.filter(pk=customer.pk).update(points=account.balance, tier=account.tier)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


register_mover(LoyaltyMover())
