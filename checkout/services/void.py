"""Taking a visit back: through the ledger, never by editing its past."""

from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.errors import VisitAlreadyVoided, VisitNotFound, VoidTooLate
from checkout.events import VisitVoided
from checkout.services.receipt import VoidReceipt
from customers.models import Customer, Visit
from customers.services.visits import lock_customer, recount_summary
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import status_of, tier_measure
from loyalty.services.ledger import Movement, account_of, change_tier, post
from segments.services import refresh_customer
from servaan_crm.core import events
from servaan_crm.core.actors import Actor

SAME_DAY = timedelta(hours=36)


def void_visit(*, actor: Actor, visit_id: UUID, reason: str = "", may_void_old: bool = False) -> VoidReceipt:
    """Void a visit: points paid come back, points earned are taken back, the figures are counted again.

    Points that were already spent elsewhere cannot be taken back (a balance is never negative); how many
    is on the reversal row as ``shortfall`` and in the receipt. The visit keeps its number.

    Args:
        may_void_old: whether ``actor`` may void visits that were entered more than 36 hours ago.

    Raises:
        ValidationError: the reason is longer than 200 characters.
        VisitNotFound, VisitAlreadyVoided, VoidTooLate.
    """
    if len(reason) > 200:
        raise ValidationError({"reason": _("At most 200 characters.")})
    with transaction.atomic():
        customer = _lock_customer_of(visit_id)
        visit = Visit.objects.select_for_update(no_key=True).get(pk=visit_id)
        if visit.is_voided:
            raise VisitAlreadyVoided(details={"visit_id": str(visit_id)})
        if not may_void_old and timezone.now() - visit.created_at > SAME_DAY:
            raise VoidTooLate
        visit.voided_at, visit.void_reason, visit.voided_by_id = timezone.now(), reason, actor.user_id
        visit.save(update_fields=["voided_at", "void_reason", "voided_by", "updated_at"])
        events.publish(VisitVoided(visit_id=visit.pk, customer_id=visit.customer_id))
        if customer is None:
            return VoidReceipt(visit=visit)
        return _undo(actor, customer, visit)


def _lock_customer_of(visit_id: UUID) -> Customer | None:
    """Lock the guest first, as every writer does; None for a walk-in. Deleted guests can be corrected too."""
    owner = Visit.objects.filter(pk=visit_id).values_list("customer_id", flat=True)
    if not owner:
        raise VisitNotFound(details={"visit_id": str(visit_id)})
    return lock_customer(customer_id=owner[0], deleted_too=True) if owner[0] else None


def _undo(actor: Actor, customer: Customer, visit: Visit) -> VoidReceipt:
    book, account = get_rule_book(), account_of(customer)
    shortfall = _reverse_points(actor, customer, account, visit, book)
    recount_summary(customer.summary)
    _restore_tier(customer, account, visit, book)
    if account.last_sequence:
        account.save()
    customer.summary.points, customer.summary.tier = account.balance, account.tier
    customer.summary.save()
    refresh_customer(customer.summary)
    return VoidReceipt(
        visit=visit, customer=customer, status=status_of(book, account, customer), shortfall=shortfall
    )


def _reverse_points(
    actor: Actor, customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook
) -> int:
    """Write the opposite of each entry of the visit, redemptions first; returns the points not covered."""
    entries = list(LedgerEntry.objects.filter(visit=visit, reversals=None).order_by("points"))
    reversed_types = (LedgerEntry.Type.REVERSED_EARNING, LedgerEntry.Type.REVERSED_REDEMPTION)
    shortfall, available, movements = 0, account.balance, []
    for entry in entries:
        if entry.type in reversed_types:
            continue
        points, missing = -entry.points, 0
        if points < 0:
            missing = max(0, -(available + points))
            points += missing
        available += points
        shortfall += missing
        kind = LedgerEntry.Type.REVERSED_EARNING if entry.points > 0 else LedgerEntry.Type.REVERSED_REDEMPTION
        movements.append(
            Movement(
                type=kind, points=points, description=gettext_lazy("Visit voided"), visit=visit, reverses=entry,
                related_amount=entry.related_amount, shortfall=missing,
            )
        )  # fmt: skip
    post(actor=actor, customer=customer, account=account, movements=movements, book=book)
    return shortfall


def _restore_tier(customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook) -> None:
    """Take back a tier that this visit brought, unless other visits have earned it since."""
    change = TierChange.objects.filter(customer=customer, visit=visit).order_by("created_at").first()
    if change is None:
        return
    earned = book.tier_for(tier_measure(book, account, customer.summary.lifetime_spent))
    before = book.tier(change.from_tier)
    target = earned if earned.threshold > before.threshold else before
    if target.threshold < book.tier(account.tier).threshold:
        change_tier(customer=customer, account=account, to_tier=target.level, visit=visit, reason="void")
