"""Guests who bring guests: the code, entering a friend, and what a manager decides."""

from __future__ import annotations

import secrets
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.errors import CustomerAlreadyExists, CustomerNotFound
from customers.merging.heirs import heir_of
from customers.models import Customer
from customers.services import create_customer
from customers.services.validation import clean_fields
from customers.services.visits import lock_customer
from loyalty.models import Referral, ReferralCode, ReviewItem
from loyalty.referral_errors import (
    ReferralCodeUnknown,
    ReferralDecided,
    ReferralNotFound,
    ReferralNotPossible,
    ReferralsInactive,
)
from loyalty.referral_families import family_of, heirs_of, ring_of
from loyalty.selectors.program import brings_points
from loyalty.services.referral_rewards import (
    RELEASED,
    Case,
    Verdict,
    apply_verdict,
    judge,
    lock_case,
    note_ring,
)
from loyalty.services.review import raise_signal
from loyalty.voucher_codes import ALPHABET, normalise
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.features import require_feature
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

# 23⁷ codes, 3.4 × 10⁹: short enough to say, and a guessed one only makes a stranger the one who brought somebody.
CODE_LENGTH = 7
# More friends than this entered in one day for one guest, or by one member of staff, are worth a look.
BURST_OF_GUEST, BURST_OF_STAFF = 5, 15
_Status = Referral.Status


def referral_code_of(customer_id: UUID) -> str:
    """Return the guest's code, made when it is asked for the first time. Raises CustomerNotFound."""
    found = ReferralCode.objects.filter(pk=customer_id).values_list("code", flat=True).first()
    if found:
        return found
    if not Customer.objects.filter(pk=customer_id, deleted_at=None).exists():
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    while True:
        code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
        try:
            with transaction.atomic():
                return ReferralCode.objects.get_or_create(customer_id=customer_id, defaults={"code": code})[
                    0
                ].code
        except IntegrityError:  # the code is taken: draw again
            continue


def owner_of(code: str) -> UUID:
    """Return the guest (today's, after merges) whose code was typed, in any spelling. Raises ReferralCodeUnknown."""
    typed = normalise(code)[:16]
    owner = ReferralCode.objects.filter(code=typed).values_list("pk", flat=True).first()
    if owner is None:
        raise ReferralCodeUnknown(details={"field": "referrer_code"})
    return heirs_of([owner])[owner]


@survives_deadlock
def enter_referral(
    *,
    actor: Actor,
    referrer_code: str = "",
    referrer_id: UUID | None = None,
    friend_id: UUID | None = None,
    friend_phone: str = "",
    friend_name: str = "",
) -> Referral:
    """Note who brought a new guest, before the guest's first visit; an unknown number is entered as a guest.

    Args:
        referrer_code: the code as typed; or ``referrer_id``.
        friend_id: the friend; or ``friend_phone``, with ``friend_name`` for a number nobody has.

    Raises:
        ValidationError: names each bad field.
        ReferralCodeUnknown, CustomerNotFound: the code, or one of the guests, does not exist.
        ReferralNotPossible: the same guest, brought already, not new, or blocked.
        ReferralsInactive, FeatureDisabled: the café gives nothing for friends.
    """
    require_feature("loyalty")
    _check(referrer_code, referrer_id, friend_id, friend_phone)
    with write(actor):
        who = _today(referrer_id) if referrer_id else owner_of(referrer_code)
        if not brings_points():
            raise ReferralsInactive
        # Two tills that enter the same number wait for each other here; the guests' own locks follow.
        friend_pk = _today(friend_id or _friend_of(actor, friend_phone, friend_name))
        if who == friend_pk:
            raise ReferralNotPossible.because("self", customer_id=str(who))
        locked = {pk: lock_customer(customer_id=pk) for pk in sorted((who, friend_pk))}
        return _enter(actor, locked[who], locked[friend_pk])


def _today(customer_id: UUID) -> UUID:
    """Return the guest a record is part of now. Raises CustomerNotFound."""
    found = heirs_of([customer_id]).get(customer_id)
    if found is None:
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return found


def _check(code: str, referrer_id: UUID | None, friend_id: UUID | None, friend_phone: str) -> None:
    problems = {}
    if bool(code.strip()) == bool(referrer_id):
        problems["referrer_code"] = _("Give the code of the guest who brought the friend, or the guest.")
    if bool(friend_id) == bool(friend_phone.strip()):
        problems["friend_phone"] = _("Give the friend's number, or the guest.")
    if problems:
        raise ValidationError(problems)


def _friend_of(actor: Actor, phone: str, name: str) -> UUID:
    """Return the guest with this number, entered now when nobody has it."""
    try:
        number = clean_fields({"phone": phone})["phone"]
        if known := _with_number(number):
            return known
        return create_customer(actor=actor, phone=phone, name=name).pk
    except CustomerAlreadyExists as error:  # another till was faster
        return UUID(str(error.details["customer_id"]))
    except ValidationError as error:
        names = {"phone": "friend_phone", "name": "friend_name"}
        found = getattr(error, "error_dict", {})
        raise ValidationError({names.get(key, key): value for key, value in found.items()}) from None


def _with_number(number: str) -> UUID | None:
    mine = Customer.objects.filter(phone=number, deleted_at=None).values_list("pk", flat=True).first()
    return mine or heir_of(number)


def _enter(actor: Actor, referrer: Customer, friend: Customer) -> Referral:
    friends = family_of(friend.pk)
    if Referral.objects.filter(friend_id__in=friends).exists():
        raise ReferralNotPossible.because("already_referred", customer_id=str(friend.pk))
    if friend.summary.last_visit_number:
        raise ReferralNotPossible.because("not_new", customer_id=str(friend.pk))
    if referrer.is_blocked or friend.is_blocked:
        blocked = referrer if referrer.is_blocked else friend
        raise ReferralNotPossible.because("blocked", customer_id=str(blocked.pk))
    referral = Referral(referrer=referrer, friend=friend, created_by_id=actor.user_id)
    ring = ring_of(referrer_id=referrer.pk, friend_ids=friends)
    if ring:
        referral.status, referral.reason = _Status.HELD, "ring"
    referral.save(force_insert=True)
    if ring:
        note_ring(referral, ring)
    _look_for_burst(actor, referral)
    return referral


def _look_for_burst(actor: Actor, referral: Referral) -> None:
    today = local_date(timezone.now())
    start, end = local_day_bounds(today, get_locale().tz)
    # Naming the states lets the index on state and time find the day.
    rows = Referral.objects.filter(status__in=_Status.values, created_at__gte=start, created_at__lt=end)
    sides = [("guest", {"referrer_id": referral.referrer_id}, BURST_OF_GUEST)]
    if actor.user_id:
        sides.append(("staff", {"created_by_id": actor.user_id}, BURST_OF_STAFF))
    for side, fields, limit in sides:
        ids = [
            str(pk) for pk in rows.filter(**fields).order_by("created_at").values_list("pk", flat=True)[:100]
        ]
        if len(ids) <= limit:
            continue
        who = next(iter(fields.values()))
        raise_signal(
            ReviewItem.Signal.REFERRAL_BURST,
            subject=f"referral_burst:{side}:{who}:{today.isoformat()}",
            customer_id=referral.referrer_id if side == "guest" else None,
            staff_id=actor.user_id if side == "staff" else None,
            score=2,
            evidence={"by": side, "count": len(ids), "limit": limit, "referrals": ids},
        )


@survives_deadlock
def release_referral(*, actor: Actor, referral_id: UUID) -> Referral:
    """Let a held referral go on: it is rewarded at once when the friend was here, else with the first visit.

    Raises ReferralNotFound, ReferralDecided (it is not held).
    """
    with write(actor):
        case = _locked(referral_id)
        if case.referral.status != _Status.HELD:
            raise ReferralDecided(details={"status": case.referral.status})
        case.referral.status, case.referral.reason = _Status.PENDING, RELEASED
        case.referral.save(update_fields=["status", "reason", "updated_at"])
        apply_verdict(actor, case, judge(case))
        return case.referral


@survives_deadlock
def refuse_referral(*, actor: Actor, referral_id: UUID, reason: str) -> Referral:
    """Close a referral for good; points that were given for it are taken back, as far as they are there.

    Raises:
        ValidationError: the reason is missing or longer than 200 characters.
        ReferralNotFound, ReferralDecided (a person closed it already).
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= 200:
        raise ValidationError({"reason": _("Say why, in at most 200 characters.")})
    with write(actor):
        case = _locked(referral_id)
        row = case.referral
        if case.is_decided and row.status != _Status.HELD:
            raise ReferralDecided(details={"status": row.status})
        status = _Status.REVERSED if row.status == _Status.REWARDED else _Status.REFUSED
        apply_verdict(actor, case, Verdict(status, reason, row.visit))
        return case.referral


def _locked(referral_id: UUID) -> Case:
    try:
        return lock_case(referral_id)
    except Referral.DoesNotExist:
        raise ReferralNotFound(details={"referral_id": str(referral_id)}) from None
