"""The way back through the ledger, shared by voiding, editing and moving a visit."""

from uuid import UUID

from django.utils.functional import Promise

from checkout.errors import VisitNotFound
from customers.models import Customer, Visit
from customers.services.visits import lock_owners
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.rules import RuleBook
from loyalty.selectors.status import tier_measure
from loyalty.services.ledger import Movement, change_tier, post, usable_points
from segments.services import refresh_customer
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import EditConflict


def lock_customer_of(visit_id: UUID) -> Customer | None:
    """Lock the guest first, as every writer does; None for a walk-in. Deleted guests can be corrected too."""

    def owner() -> set[UUID]:
        found = list(Visit.objects.filter(pk=visit_id).values_list("customer_id", flat=True))
        if not found:
            raise VisitNotFound(details={"visit_id": str(visit_id)})
        return {pk for pk in found if pk is not None}

    return next(iter(lock_owners(owner).values()), None)


def lock_visit(visit_id: UUID, owner: Customer | None) -> Visit:
    """Lock the visit after its guest.

    Raises EditConflict when somebody gave it to another guest while this one was waited for: the lock in hand
    would be the wrong one.
    """
    visit = Visit.objects.select_for_update(no_key=True).get(pk=visit_id)
    if visit.customer_id != (owner.pk if owner else None):
        raise EditConflict(details={"visit_id": str(visit_id)})
    return visit


def open_entries(visit: Visit) -> list[LedgerEntry]:
    """Return the visit's entries that nothing has reversed yet, redemptions first."""
    entries = LedgerEntry.objects.filter(visit=visit, reversals=None).order_by("points", "sequence")
    reversed_types = (LedgerEntry.Type.REVERSED_EARNING, LedgerEntry.Type.REVERSED_REDEMPTION)
    return list(entries.exclude(type__in=reversed_types))


def reverse_points(
    *,
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    book: RuleBook,
    entries: list[LedgerEntry],
    description: str | Promise,
) -> int:
    """Write the opposite of each of ``entries`` in their order; returns the points not covered.

    A balance is never negative: what was spent meanwhile stays spent, and is noted as ``shortfall``.
    """
    shortfall, available, movements = 0, usable_points(account), []
    for entry in entries:
        points, missing = -entry.points, 0
        if points < 0:
            missing = max(0, -(available + points))
            points += missing
        available += points
        shortfall += missing
        kind = LedgerEntry.Type.REVERSED_EARNING if entry.points > 0 else LedgerEntry.Type.REVERSED_REDEMPTION
        movements.append(
            Movement(
                type=kind, points=points, description=description, visit=visit, reverses=entry,
                related_amount=entry.related_amount, shortfall=missing,
            )
        )  # fmt: skip
    post(actor=actor, customer=customer, account=account, movements=movements, book=book)
    return shortfall


def restore_tier(customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook) -> None:
    """Take back a tier that this visit brought, unless other visits have earned it since."""
    change = TierChange.objects.filter(customer=customer, visit=visit).order_by("created_at").first()
    if change is None:
        return
    earned = book.tier_for(tier_measure(book, account, customer.summary.lifetime_spent))
    before = book.tier(change.from_tier)
    target = earned if earned.threshold > before.threshold else before
    if target.threshold < book.tier(account.tier).threshold:
        change_tier(
            customer=customer, account=account, to_tier=target.level, visit=visit, reason="void", book=book
        )


def settle_summary(customer: Customer, account: LoyaltyAccount) -> None:
    """Save account and summary after points moved, and bring the base segment up to date."""
    if account.last_sequence:
        account.save(force_insert=account._state.adding)
    customer.summary.points, customer.summary.tier = account.balance, account.tier
    customer.summary.save()
    refresh_customer(customer.summary)
