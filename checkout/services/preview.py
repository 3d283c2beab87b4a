"""What a move would do, found out by doing it and taking it back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from checkout.services.correct import move_visit
from customers.models import Customer, Visit
from servaan_crm.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a guest stands: points, tier and visits that count."""

    points: int
    tier: str
    visits: int


@dataclass(frozen=True, slots=True)
class GuestChange:
    """One guest of a move, before and after it."""

    customer: Customer
    before: Standing
    after: Standing

    @property
    def points(self) -> int:
        """How many points more (or less) the guest has after the move."""
        return self.after.points - self.before.points


@dataclass(frozen=True, slots=True)
class MovePreview:
    """The effects of a move. ``source`` is None for a walk-in.

    ``shortfall``: points of the first guest that were spent already and stay with it. ``renumbered``: how many
    of its later visits move up by one number.
    """

    source: GuestChange | None
    target: GuestChange
    new_number: int
    points_earned: int
    shortfall: int
    renumbered: int
    seen: datetime


class _TakeBack(Exception):
    """Ends the transaction of a preview."""


def preview_move(
    *, actor: Actor, visit_id: UUID, to_customer_id: UUID, may_edit_old: bool = False
) -> MovePreview:
    """Return what ``move_visit`` would do now, by the very same rules; nothing is kept of it.

    Raises the refusals of ``move_visit``.
    """
    found: list[MovePreview] = []
    try:
        with transaction.atomic():
            found.append(_try(actor, visit_id, to_customer_id, may_edit_old))
            raise _TakeBack
    except _TakeBack:
        return found[0]


def _try(actor: Actor, visit_id: UUID, to_customer_id: UUID, may_edit_old: bool) -> MovePreview:
    before = Visit.objects.filter(pk=visit_id).values("customer_id", "visit_number", "updated_at").first()
    owner, number = (before["customer_id"], before["visit_number"]) if before else (None, None)
    later = Visit.objects.filter(customer_id=owner, visit_number__gt=number).count() if owner else 0
    source, target = _guest(owner) if owner else None, _guest(to_customer_id)
    receipt = move_visit(
        actor=actor, visit_id=visit_id, to_customer_id=to_customer_id, may_edit_old=may_edit_old
    )
    assert before is not None
    assert target is not None
    return MovePreview(
        source=_change(source) if source else None,
        target=_change(target),
        new_number=receipt.visit.visit_number or 0,
        points_earned=receipt.visit.points_earned,
        shortfall=receipt.shortfall,
        renumbered=later,
        seen=before["updated_at"],
    )


def _guest(customer_id: UUID) -> Customer | None:
    return Customer.objects.select_related("summary").filter(pk=customer_id).first()


def _standing(customer: Customer) -> Standing:
    summary = customer.summary
    return Standing(points=summary.points, tier=summary.tier, visits=summary.total_visits)


def _change(customer: Customer) -> GuestChange:
    before = _standing(customer)
    customer.summary.refresh_from_db()
    return GuestChange(customer=customer, before=before, after=_standing(customer))
