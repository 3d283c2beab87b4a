"""When a brought guest comes for the first time, both sides get points; when that visit goes, the points go.

Nothing here counts what happened: :func:`settle` looks at the visits as they are and brings the referral and both
balances to what follows from them. The same event twice, events out of order or two workers at once change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from customers.services.visits import lock_owners
from loyalty.events import ReferralRewarded
from loyalty.models import LedgerEntry, LoyaltyProgram, Referral, ReviewItem
from loyalty.referral_families import family_of, heirs_of, ring_of
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.services.ledger import Movement, account_of, post, settle_tier, usable_points
from loyalty.services.points import save_account
from loyalty.services.review import raise_signal
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import local_date

_Status = Referral.Status
RELEASED = "released"
# Why nothing is paid; looked at again with every visit of the friend. Any other text is a person's decision.
WHY_NOT: dict[str, Promise | str] = {
    "program_off": _("the program gives no points for friends now"),
    "below_minimum": _("the first bill was too small"),
    "known_before": _("the friend had been here before"),
    "same_guest": _("both are the same guest"),
    "already_referred": _("another guest brought this friend earlier"),
    "referrer_blocked": _("the referrer is blocked"),
    "friend_blocked": _("the friend is blocked"),
    "both_blocked": _("both guests are blocked"),
    "referrer_deleted": _("the referrer was deleted"),
    "no_visit": _("the first visit was taken back"),
}
NOTES: dict[str, Promise | str] = {
    **WHY_NOT,
    "": "",
    "ring": _("the guests bring each other in a ring"),
    RELEASED: _("released after a review"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a referral should be now."""

    status: str
    reason: str = ""
    visit: Visit | None = None
    referrer_points: int = 0
    friend_points: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """A referral with everything that belongs to it locked: both guests, then the row itself."""

    referral: Referral
    referrer: Customer
    friend: Customer
    friends: list[UUID]
    program: LoyaltyProgram
    book: RuleBook

    @property
    def is_decided(self) -> bool:
        """Whether a person or the review has the word, and visits change nothing."""
        row = self.referral
        closed = row.status in (_Status.REFUSED, _Status.REVERSED) and row.reason not in WHY_NOT
        return row.status == _Status.HELD or closed


def lock_case(referral_id: UUID) -> Case:
    """Lock both guests in the order of their ids, then the referral. Raises Referral.DoesNotExist."""
    heirs: dict[UUID, UUID] = {}

    def both() -> set[UUID]:
        row = Referral.objects.get(pk=referral_id)
        heirs.clear()
        heirs.update(heirs_of([row.referrer_id, row.friend_id]))
        return set(heirs.values())

    locked = lock_owners(both)
    row = Referral.objects.select_for_update(no_key=True).get(pk=referral_id)
    friend = locked[heirs[row.friend_id]]
    return Case(
        referral=row,
        referrer=locked[heirs[row.referrer_id]],
        friend=friend,
        friends=family_of(friend.pk),
        program=LoyaltyProgram.objects.get(),
        book=get_rule_book(),
    )


def settle(*, actor: Actor, referral_id: UUID) -> Referral:
    """Bring one referral, and the points of both sides, to what the friend's visits say now.

    Raises Referral.DoesNotExist.
    """
    with write(actor):
        case = lock_case(referral_id)
        if not case.is_decided:
            apply_verdict(actor, case, judge(case))
        return case.referral


def settle_friend(*, actor: Actor, customer_id: UUID) -> None:
    """Settle what there is about a guest (and the records merged into it) as a friend."""
    wanted = Referral.objects.filter(friend_id__in=family_of(customer_id)).order_by("created_at")
    for referral_id in list(wanted.values_list("pk", flat=True)):
        settle(actor=actor, referral_id=referral_id)


def judge(case: Case) -> Verdict:
    """Say what the referral should be, from the visits as they are now. Writes nothing."""
    row, first = case.referral, _first_visit(case.friend)
    if _still_stands(case):
        return Verdict(_Status.REWARDED, row.reason, row.visit, row.referrer_points, row.friend_points)
    was_paid = row.status in (_Status.REWARDED, _Status.REVERSED)
    no = _Status.REVERSED if was_paid else _Status.REFUSED
    if case.referrer.pk == case.friend.pk:
        return Verdict(no, "same_guest")
    if first is None:
        keep = RELEASED if row.reason == RELEASED else ""
        return Verdict(_Status.REVERSED, "no_visit") if was_paid else Verdict(_Status.PENDING, keep)
    if reason := _against(case, first):
        return Verdict(no, reason)
    program = case.program
    if not (program.is_active and program.referral_is_active and is_enabled("loyalty")):
        return Verdict(no if was_paid else _Status.PENDING, "program_off")
    if row.reason != RELEASED and _note_ring(case):
        return Verdict(_Status.HELD, "ring", first)
    return _reward(case, first, no)


def _first_visit(friend: Customer) -> Visit | None:
    visits = Visit.objects.filter(customer_id=friend.pk, voided_at=None)
    return visits.order_by("visit_date", "visit_number").first()


def _still_stands(case: Case) -> bool:
    """A reward stands as long as its visit counts, is the friend's and as large as it had to be then."""
    row = case.referral
    if row.status != _Status.REWARDED or row.visit is None:
        return False
    visit = row.visit
    return visit.voided_at is None and visit.customer_id == case.friend.pk and _final(visit) >= _minimum(case)


def _final(visit: Visit) -> Decimal:
    return Decimal(visit.total_amount) - Decimal(visit.discount_amount)


def _minimum(case: Case) -> Decimal:
    """Return the least first bill: a raised minimum does not reach back to what is rewarded."""
    noted = _entries(case.referral, "friend", case.friends) or _entries(
        case.referral, "referrer", family_of(case.referrer.pk)
    )
    then = [entry.explanation["minimum"] for entry in noted if "minimum" in entry.explanation]
    now = Decimal(case.program.referral_minimum)
    return min(now, Decimal(then[-1])) if then else now


def _against(case: Case, first: Visit) -> str:
    """Return in one word why this first visit pays nothing; "" when nothing is against it."""
    row = case.referral
    if local_date(first.visit_date) < local_date(row.created_at):
        return "known_before"
    others = Referral.objects.filter(friend_id__in=case.friends).exclude(pk=row.pk)
    open_ones = others.exclude(status__in=(_Status.REFUSED, _Status.REVERSED))
    if open_ones.filter(created_at__lt=row.created_at).exists() or others.filter(status="rewarded").exists():
        return "already_referred"
    return "" if _final(first) >= _minimum(case) else "below_minimum"


def _note_ring(case: Case) -> bool:
    ring = ring_of(referrer_id=case.referrer.pk, friend_ids=case.friends, referral_id=case.referral.pk)
    if ring:
        note_ring(case.referral, ring)
    return bool(ring)


def note_ring(referral: Referral, ring: list[UUID]) -> None:
    """Leave the review a note of who brings whom in a ring."""
    raise_signal(
        ReviewItem.Signal.REFERRAL_RING,
        subject=f"referral_ring:{referral.pk}",
        customer_id=referral.referrer_id,
        staff_id=referral.created_by_id,
        score=5,
        evidence={"referral_id": str(referral.pk), "guests": [str(pk) for pk in ring], "length": len(ring)},
    )


def _reward(case: Case, first: Visit, no: str) -> Verdict:
    referrer, friend, program = case.referrer, case.friend, case.program
    to_referrer = 0 if referrer.is_blocked or referrer.deleted_at else program.referrer_points
    to_friend = 0 if friend.is_blocked or friend.deleted_at else program.friend_points
    reason = RELEASED if case.referral.reason == RELEASED else ""
    if referrer.is_blocked or friend.is_blocked:
        who = (
            "both"
            if referrer.is_blocked and friend.is_blocked
            else "referrer"
            if referrer.is_blocked
            else "friend"
        )
        reason = f"{who}_blocked"
    elif referrer.deleted_at:
        reason = "referrer_deleted"
    if not to_referrer and not to_friend:
        return Verdict(no, reason or "program_off", first)
    return Verdict(_Status.REWARDED, reason, first, to_referrer, to_friend)


def apply_verdict(actor: Actor, case: Case, verdict: Verdict) -> None:
    """Post what is missing or too much on either side and save the referral. The guests are locked."""
    row, became_rewarded = case.referral, False
    sides = [
        ("referrer", case.referrer, verdict.referrer_points),
        ("friend", case.friend, verdict.friend_points),
    ]
    for side, guest, points in sides:
        became_rewarded |= _bring_to(actor, case, side, guest, points, verdict.visit)
    rewarded_at: datetime | None = None
    if verdict.status == _Status.REWARDED:
        rewarded_at = timezone.now() if became_rewarded or not row.rewarded_at else row.rewarded_at
    wanted = {
        "status": verdict.status, "reason": verdict.reason[:200], "rewarded_at": rewarded_at,
        "visit_id": verdict.visit.pk if verdict.visit else None,
        "referrer_points": verdict.referrer_points, "friend_points": verdict.friend_points,
    }  # fmt: skip
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return
    newly = verdict.status == _Status.REWARDED != row.status
    for name, value in wanted.items():
        setattr(row, name, value)
    row.save()
    if newly:
        events.publish(
            ReferralRewarded(referral_id=row.pk, customer_id=case.referrer.pk, friend_id=case.friend.pk)
        )


def _reference(referral: Referral, side: str) -> str:
    return f"referral:{referral.pk}:{side}"


def _entries(referral: Referral, side: str, family: list[UUID]) -> list[LedgerEntry]:
    rows = LedgerEntry.objects.filter(customer_id__in=family, reference=_reference(referral, side))
    return list(rows.select_related("reverses").order_by("created_at", "sequence"))


_TEXTS: dict[str, Promise] = {
    "referrer": _("A friend came for the first time"),
    "friend": _("Brought by a friend"),
}


def _bring_to(actor: Actor, case: Case, side: str, guest: Customer, points: int, visit: Visit | None) -> bool:
    """Move one side's points to what it should have of this referral; returns whether points were given.

    What could not be taken back earlier, because it was spent, counts as had: it is not given a second time.
    """
    account, row = account_of(guest), case.referral
    family = case.friends if side == "friend" else family_of(guest.pk)
    entries = _entries(row, side, family)
    missing = points - sum(entry.points for entry in entries)
    reference = _reference(row, side)
    if missing > 0:
        about = {
            "referral_id": str(row.pk), "side": side, "visit_id": str(visit.pk) if visit else None,
            "minimum": str(case.program.referral_minimum),
        }  # fmt: skip
        kind = LedgerEntry.Type.EARNED_REFERRAL
        movements = [
            Movement(
                type=kind,
                points=missing,
                description=_TEXTS[side],
                explanation=about,
                reference=reference,
                idempotency_key=f"{reference}:{len(entries)}",
            )
        ]
    elif missing < 0 and points == 0:
        movements = _taken_back(entries, usable_points(account), reference)
    else:
        return False
    post(actor=actor, customer=guest, account=account, movements=movements, book=case.book)
    settle_tier(customer=guest, account=account, book=case.book, lifetime_spent=guest.summary.lifetime_spent)
    save_account(guest, account)
    return missing > 0


def _taken_back(entries: list[LedgerEntry], available: int, reference: str) -> list[Movement]:
    """Return the way back of every entry that stands; what was spent meanwhile stays spent, as ``shortfall``."""
    reversed_ones = {entry.reverses_id for entry in entries}
    movements = []
    for entry in entries:
        if entry.points <= 0 or entry.pk in reversed_ones:
            continue
        taken = min(entry.points, available)
        available -= taken
        movements.append(
            Movement(
                type=LedgerEntry.Type.REVERSED_EARNING,
                points=-taken,
                description=_("The friend's first visit was taken back"),
                reverses=entry,
                shortfall=entry.points - taken,
                reference=reference,
            )
        )
    return movements
