"""What a person does about a review: dismiss it, watch it, or take back the points it is about."""

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Visit
from customers.services.visits import lock_owners
from loyalty.models import LedgerEntry, Referral, ReviewItem
from loyalty.referral_errors import ReferralDecided, ReferralNotFound
from loyalty.review_errors import ReviewClosed, ReviewNotFound
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.reviews import open_entries
from loyalty.services.ledger import Movement, account_of, post, usable_points
from loyalty.services.points import save_account
from loyalty.services.referral import refuse_referral
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write

_Status = ReviewItem.Status
_UNDECIDED = (_Status.OPEN, _Status.WATCHING)
MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """A review after a decision; how many entries were reversed, the points taken back, and those already spent."""

    item: ReviewItem
    entries: int = 0
    points: int = 0
    shortfall: int = 0


def dismiss_review(*, actor: Actor, review_id: UUID, note: str = "") -> Decision:
    """Close a review as nothing to worry about. Repeating it changes nothing.

    Raises ReviewNotFound, ReviewClosed (points were taken back already), ValidationError (the note is too long).
    """
    return _decide(actor, review_id, _Status.DISMISSED, note)


def watch_review(*, actor: Actor, review_id: UUID, note: str = "") -> Decision:
    """Keep a review in sight without a decision; also one that was dismissed. Raises as :func:`dismiss_review`."""
    return _decide(actor, review_id, _Status.WATCHING, note)


def _decide(actor: Actor, review_id: UUID, status: str, note: str) -> Decision:
    note = _checked(note)
    with write(actor):
        item = _locked(review_id)
        if item.status == _Status.REVERSED:
            raise ReviewClosed(details={"status": item.status})
        if item.status != status or (note and item.decision_note != note):
            _close(item, actor, status, note)
        return Decision(item)


@survives_deadlock
def reverse_review(*, actor: Actor, review_id: UUID, note: str = "") -> Decision:
    """Take back the points of exactly those entries of the evidence that nothing has reversed yet.

    Points the guest has spent cannot be taken back: the reversal notes them as shortfall. The tier stays until its
    period ends. Referrals of the evidence are closed for good. Twice, or twice at once, takes back once.

    Raises ReviewNotFound, ReviewClosed (it was dismissed: watch it first), ValidationError (the note is too long).
    """
    note = _checked(note)
    item = _found(ReviewItem.objects.filter(pk=review_id).first(), review_id)
    if item.status == _Status.DISMISSED:
        raise ReviewClosed(details={"status": item.status})
    count, taken = _refuse_referrals(actor, item)
    with write(actor):
        points = shortfall = 0
        if item.customer_id is not None:
            count_of_entries, points, shortfall = _take_back(actor, item)
            count += count_of_entries
        item = _locked(review_id)
        if item.status == _Status.DISMISSED:
            raise ReviewClosed(details={"status": item.status})
        if item.status != _Status.REVERSED:
            _close(item, actor, _Status.REVERSED, note)
        return Decision(item, count, points + taken, shortfall)


def _take_back(actor: Actor, item: ReviewItem) -> tuple[int, int, int]:
    """Reverse the open entries under the guest's lock; returns entries, points and what was missing."""

    def owner() -> set[UUID]:
        item.refresh_from_db()
        return {pk for pk in (item.customer_id,) if pk is not None}

    (customer,) = lock_owners(owner).values()
    entries = open_entries(item)
    if not entries:
        return 0, 0, 0
    account, book = account_of(customer), get_rule_book()
    movements, shortfall = _reversals(entries, usable_points(account))
    post(actor=actor, customer=customer, account=account, movements=movements, book=book)
    for entry in entries:
        if entry.visit_id is not None:
            Visit.objects.filter(pk=entry.visit_id, voided_at=None).update(
                points_earned=F("points_earned") - entry.points, updated_at=timezone.now()
            )
    save_account(customer, account)
    return len(entries), -sum(movement.points for movement in movements), shortfall


def _reversals(entries: list[LedgerEntry], available: int) -> tuple[list[Movement], int]:
    movements, shortfall = [], 0
    for entry in sorted(entries, key=lambda row: (row.points, row.sequence)):
        missing = max(0, entry.points - available)
        available -= entry.points - missing
        shortfall += missing
        movements.append(
            Movement(
                type=LedgerEntry.Type.REVERSED_EARNING
                if entry.points > 0
                else LedgerEntry.Type.ADJUSTMENT_ADD,
                points=missing - entry.points,
                description=gettext_lazy("Taken back after a review"),
                visit=entry.visit,
                reverses=entry,
                related_amount=entry.related_amount,
                shortfall=missing,
            )
        )
    return movements, shortfall


def _refuse_referrals(actor: Actor, item: ReviewItem) -> tuple[int, int]:
    """Close the referrals of the evidence, each in its own transaction; returns how many and their points."""
    evidence = item.evidence
    wanted = [UUID(pk) for pk in (evidence.get("referrals") or [evidence.get("referral_id")]) if pk]
    closed = points = 0
    for referral_id in wanted:
        before = Referral.objects.filter(pk=referral_id).first()
        try:
            refuse_referral(actor=actor, referral_id=referral_id, reason=_("Taken back after a review"))
        except (ReferralDecided, ReferralNotFound):
            continue
        closed += 1
        if before is not None and before.status == Referral.Status.REWARDED:
            points += before.referrer_points + before.friend_points
    return closed, points


def _close(item: ReviewItem, actor: Actor, status: str, note: str) -> None:
    item.status, item.decided_at, item.decided_by_id = status, timezone.now(), actor.user_id
    item.decision_note = note or item.decision_note
    item.save(update_fields=["status", "decided_at", "decided_by", "decision_note", "updated_at"])


def _locked(review_id: UUID) -> ReviewItem:
    return _found(ReviewItem.objects.select_for_update(of=("self",)).filter(pk=review_id).first(), review_id)


def _found(item: ReviewItem | None, review_id: UUID) -> ReviewItem:
    if item is None:
        raise ReviewNotFound(details={"review_id": str(review_id)})
    return item


def _checked(note: str) -> str:
    note = note.strip()
    if len(note) > MAX_NOTE:
        raise ValidationError({"note": _("At most %(most)s characters.") % {"most": MAX_NOTE}})
    return note
