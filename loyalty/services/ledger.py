"""The one place where points move."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone, translation
from django.utils.functional import Promise

from customers.models import Customer, Visit
from loyalty.errors import InsufficientPoints
from loyalty.events import TierChanged
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.rules import RuleBook
from loyalty.selectors.status import tier_measure
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.l10n.locale import get_locale
from servaan_crm.tenancy.current import get_cafe


@dataclass(frozen=True, slots=True)
class Movement:
    """One wanted change of a balance; ``points`` is signed."""

    type: str
    points: int
    description: str | Promise
    visit: Visit | None = None
    reverses: LedgerEntry | None = None
    related_amount: Decimal | None = None
    reference: str = ""
    notes: str = ""
    explanation: dict[str, Any] = field(default_factory=dict)
    shortfall: int = 0


def account_of(customer: Customer) -> LoyaltyAccount:
    """Return the account of a guest whose row is locked; a new one is not saved yet."""
    return LoyaltyAccount.objects.filter(customer=customer).first() or LoyaltyAccount(customer=customer)


def post(
    *, actor: Actor, customer: Customer, account: LoyaltyAccount, movements: list[Movement], book: RuleBook
) -> list[LedgerEntry]:
    """Append ``movements`` to the ledger and carry ``account`` along, without saving it.

    Movements of 0 points are left out unless they note a shortfall. The caller holds the lock on the customer
    row, and saves the account and the customer's summary (``points``, ``tier``) in the same transaction.

    Raises:
        InsufficientPoints: a movement would take the balance below zero; nothing is written.
    """
    entries = []
    for movement in movements:
        if movement.points == 0 and not movement.shortfall:
            continue
        if account.balance + movement.points < 0:
            numbers = {"available": account.balance, "requested": -movement.points}
            raise InsufficientPoints(params=numbers, details=numbers)
        entries.append(_append(actor, customer, account, movement, book))
    if entries:
        LedgerEntry.objects.bulk_create(entries)
    return entries


def _in_cafe_language(text: str | Promise) -> str:
    """The ledger speaks the café's language, whatever the screen of the person at the counter does."""
    with translation.override(get_cafe().language):
        return str(text)[:200]


def _append(
    actor: Actor, customer: Customer, account: LoyaltyAccount, movement: Movement, book: RuleBook
) -> LedgerEntry:
    account.balance += movement.points
    account.last_sequence += 1
    if movement.type in LedgerEntry.EARNING_TYPES:
        account.points_earned_total += movement.points
    else:
        account.points_redeemed_total -= movement.points
    return LedgerEntry(
        customer=customer,
        sequence=account.last_sequence,
        type=movement.type,
        points=movement.points,
        balance_after=account.balance,
        visit=movement.visit,
        reverses=movement.reverses,
        related_amount=movement.related_amount,
        reference=movement.reference,
        description=_in_cafe_language(movement.description),
        notes=movement.notes,
        explanation=movement.explanation,
        rule_version=book.version,
        shortfall=movement.shortfall,
        created_by_id=actor.user_id,
    )


def settle_tier(
    *,
    customer: Customer,
    account: LoyaltyAccount,
    book: RuleBook,
    lifetime_spent: Decimal,
    visit: Visit | None = None,
) -> TierChange | None:
    """Raise the tier at once when the guest reached a higher one; never lower it. The caller saves the account."""
    target = book.tier_for(tier_measure(book, account, lifetime_spent))
    if target.threshold <= book.tier(account.tier).threshold:
        return None
    return change_tier(
        customer=customer, account=account, to_tier=target.level, visit=visit, reason="threshold"
    )


def change_tier(
    *, customer: Customer, account: LoyaltyAccount, to_tier: str, visit: Visit | None, reason: str
) -> TierChange:
    """Move the account to ``to_tier``, write the history and tell the subscribers. The caller saves."""
    change = TierChange.objects.create(
        customer=customer, from_tier=account.tier, to_tier=to_tier, visit=visit, reason=reason
    )
    account.tier = to_tier
    account.tier_start_date = timezone.now().astimezone(get_locale().tz).date()
    events.publish(TierChanged(customer_id=customer.pk, from_tier=change.from_tier, to_tier=change.to_tier))
    return change
