"""The one place where points move."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from customers.models import Customer, Visit
from loyalty import lots
from loyalty.errors import InsufficientPoints
from loyalty.events import PointsExpired, TierChanged
from loyalty.lots import Lot
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.rules import RuleBook
from loyalty.selectors.status import tier_measure
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.l10n.jalali import add_months, local_date
from servaan_crm.tenancy.current import get_cafe


@dataclass(frozen=True, slots=True)
class Movement:
    """One wanted change of a balance; ``points`` is signed.

    ``lots``: which lots to open, or to take from before all others; without them the program decides. A reversal
    finds them in the entry it ``reverses``.
    """

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
    lots: tuple[Lot, ...] = ()
    idempotency_key: str = ""


def account_of(customer: Customer) -> LoyaltyAccount:
    """Return the account of a guest whose row is locked; a new one is not saved yet."""
    return LoyaltyAccount.objects.filter(customer=customer).first() or LoyaltyAccount(customer=customer)


def open_lots(account: LoyaltyAccount) -> tuple[Lot, ...]:
    """Return the lots the balance consists of, the one that expires first in front."""
    return lots.read(account.balance, account.lot_expiries, account.lot_points)


def usable_points(account: LoyaltyAccount) -> int:
    """Return the balance without what has run out and waits for the next movement or the nightly job."""
    return account.balance - lots.due(open_lots(account), local_date(timezone.now()))


def post(
    *, actor: Actor, customer: Customer, account: LoyaltyAccount, movements: list[Movement], book: RuleBook
) -> list[LedgerEntry]:
    """Append ``movements`` to the ledger and carry ``account`` along, without saving it.

    Points whose last valid day is over expire first, whether or not the nightly job has been there. Movements of
    0 points are left out unless they note a shortfall. The caller holds the lock on the customer row, and saves
    the account and the customer's summary (``points``, ``tier``) in the same transaction.

    Raises:
        InsufficientPoints: a movement would take the balance below zero; nothing is written.
    """
    today = local_date(timezone.now())
    wanted = [*_expiry(account, today), *movements]
    entries = []
    for movement in wanted:
        if movement.points == 0 and not movement.shortfall:
            continue
        if account.balance + movement.points < 0:
            numbers = {"available": account.balance, "requested": -movement.points}
            raise InsufficientPoints(params=numbers, details=numbers)
        entries.append(_append(actor, customer, account, movement, book, today))
    if entries:
        LedgerEntry.objects.bulk_create(entries)
    return entries


def _expiry(account: LoyaltyAccount, today: date) -> list[Movement]:
    if account.next_expiry_on is None or account.next_expiry_on >= today:
        return []
    gone = tuple(lot for lot in open_lots(account) if lot.expires_on is not None and lot.expires_on < today)
    points = sum(lot.points for lot in gone)
    events.publish(PointsExpired(customer_id=account.customer_id, points=points))
    kind = LedgerEntry.Type.EXPIRED
    return [Movement(type=kind, points=-points, description=gettext_lazy("Points expired"), lots=gone)]


def _move_lots(account: LoyaltyAccount, movement: Movement, book: RuleBook, today: date) -> tuple[Lot, ...]:
    """Open or use lots of the account for a movement; returns them with the movement's sign."""
    before = open_lots(account)
    named = movement.lots
    if not named and movement.reverses is not None:
        entry = movement.reverses
        named = lots.read(entry.points, entry.lot_expiries, entry.lot_points)
    if movement.points > 0:
        if movement.reverses is not None:
            named = lots.given_back(named, today)
        opened = named or (Lot(lots.last_valid_day(today, book.expiry_months), movement.points),)
        after, signed = lots.add(before, opened), opened
    else:
        after, taken = lots.take(before, -movement.points, first=named)
        signed = tuple(Lot(lot.expires_on, -lot.points) for lot in taken)
    account.lot_expiries, account.lot_points = lots.store(after)
    account.next_expiry_on = account.lot_expiries[0] if account.lot_expiries else None
    return signed


def _in_cafe_language(text: str | Promise) -> str:
    """The ledger speaks the café's language, whatever the screen of the person at the counter does."""
    with translation.override(get_cafe().language):
        return str(text)[:200]


def _append(
    actor: Actor, customer: Customer, account: LoyaltyAccount, movement: Movement, book: RuleBook, today: date
) -> LedgerEntry:
    expiries, counts = lots.store(_move_lots(account, movement, book, today))
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
        lot_expiries=expiries,
        lot_points=counts,
        visit=movement.visit,
        reverses=movement.reverses,
        related_amount=movement.related_amount,
        reference=movement.reference,
        description=_in_cafe_language(movement.description),
        notes=movement.notes,
        explanation=movement.explanation,
        rule_version=book.version,
        shortfall=movement.shortfall,
        idempotency_key=movement.idempotency_key,
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
        customer=customer, account=account, to_tier=target.level, visit=visit, reason="threshold", book=book
    )


def change_tier(
    *,
    customer: Customer,
    account: LoyaltyAccount,
    to_tier: str,
    visit: Visit | None,
    reason: str,
    book: RuleBook,
) -> TierChange:
    """Move the account to ``to_tier``, write the history and tell the subscribers. The caller saves.

    A tier above the lowest is kept for the program's period; None as its end: for ever.
    """
    change = TierChange.objects.create(
        customer=customer, from_tier=account.tier, to_tier=to_tier, visit=visit, reason=reason
    )
    account.tier = to_tier
    account.tier_start_date = local_date(timezone.now())
    account.tier_expires_date = tier_end(book, to_tier, account.tier_start_date)
    events.publish(TierChanged(customer_id=customer.pk, from_tier=change.from_tier, to_tier=change.to_tier))
    return change


def tier_end(book: RuleBook, level: str, start: date) -> date | None:
    """Return the last day of a tier period that begins on ``start``; None when it has no end."""
    if book.tier_period_months is None or level == book.tiers[0].level:
        return None
    return add_months(start, book.tier_period_months)
