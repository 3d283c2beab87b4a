"""Four digits by SMS before many points are spent.

A code is bound to the guest and to at most the points it was asked for, lives five minutes, can be tried five
times and used once; only the newest counts. The table keeps a keyed hash, the outbox the text until it was sent.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from customers.errors import CustomerBlocked
from customers.models import Customer
from customers.services.visits import lock_customer
from loyalty.errors import InsufficientPoints, ProgramInactive
from loyalty.models import RedemptionCode
from loyalty.reward_errors import ConfirmationFailed, ConfirmationRequired, ConfirmationTooSoon
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.services.ledger import account_of, usable_points
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.features import require_feature
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.secret_texts import CONFIRMATION_CODE
from servaan_crm.messaging.services import queue_message
from servaan_crm.tenancy.current import get_cafe

LIFETIME = timedelta(minutes=5)
MAX_TRIES = 5
DIGITS = 4
# Seconds between two codes, and codes per hour, for one guest.
RESEND_AFTER = 60
MOST_PER_HOUR = 5


def needs_confirmation(book: RuleBook, points: int) -> bool:
    """Say whether spending ``points`` at once needs a code: their worth is above the café's threshold."""
    return book.confirm_above is not None and points * book.point_value > book.confirm_above


def send_code(*, actor: Actor, customer_id: UUID, points: int) -> RedemptionCode:
    """Send the guest a code that releases up to ``points``; older codes of the guest are worth nothing any more.

    Raises:
        ValidationError: ``points`` is not a whole number from 1.
        InsufficientPoints: the guest does not have them.
        ConfirmationTooSoon: one was sent less than a minute ago, or five within the hour.
        CustomerNotFound, CustomerBlocked, ProgramInactive, FeatureDisabled.
    """
    require_feature("loyalty")
    if points < 1:
        raise ValidationError({"points": _("Give a whole number from 1.")})
    with write(actor):
        customer = lock_customer(customer_id=customer_id)
        if customer.is_blocked:
            raise CustomerBlocked(details={"customer_id": str(customer.pk)})
        if not get_rule_book().is_active:
            raise ProgramInactive
        available = usable_points(account_of(customer))
        if available < points:
            numbers = {"available": available, "requested": points}
            raise InsufficientPoints(params=numbers, details=numbers)
        _check_pace(customer)
        return _send(actor, customer, points)


def check_code(*, customer_id: UUID, code: str, points: int) -> RedemptionCode:
    """Compare a typed code with the guest's newest one; every try counts, whatever the caller does afterwards.

    For that it has a transaction of its own: call it before the one that spends the points (and before
    ``answer_once``), and hand the row on to :func:`settle` there.

    Args:
        code: as typed, in any digits.
        points: what is to be spent; more than the code was asked for is refused.

    Raises:
        ConfirmationFailed: wrong, too late, tried too often, used, or for fewer points.
    """
    with transaction.atomic(durable=True):
        rows = RedemptionCode.objects.select_for_update().filter(customer_id=customer_id)
        row = rows.order_by("-created_at", "-pk").first()
        if row is None or row.used_at or row.expires_at <= timezone.now() or row.attempts >= MAX_TRIES:
            left, is_right = 0, False
        else:
            row.attempts += 1
            row.save(update_fields=["attempts", "updated_at"])
            is_right = hmac.compare_digest(row.code_hash, _keyed(row, to_ascii(code).strip()))
            left = MAX_TRIES - row.attempts
    if row is None or not is_right or points > row.points:
        raise ConfirmationFailed(details={"tries_left": left})
    return row


def consume(confirmed: RedemptionCode) -> None:
    """Use a checked code up, in the transaction that spends the points. Raises ConfirmationFailed the second time."""
    now = timezone.now()
    fresh = RedemptionCode.objects.filter(pk=confirmed.pk, used_at=None, expires_at__gt=now)
    if not fresh.update(used_at=now, updated_at=now):
        raise ConfirmationFailed(details={"tries_left": 0})


def settle(
    *, book: RuleBook, customer: Customer, points: int, confirmed: RedemptionCode | None = None
) -> None:
    """Let points be spent, or refuse: below the threshold always, above it with a checked code, which is used up.

    Call it once per transaction with all points that are spent in it.

    Raises:
        ConfirmationRequired: a code is needed; ``details`` say for how many points.
        ConfirmationFailed: the code is another guest's, for fewer points, or was used.
    """
    if not needs_confirmation(book, points):
        return
    if confirmed is None:
        raise ConfirmationRequired(details={"points": points, "threshold": book.confirm_above})
    if confirmed.customer_id != customer.pk or points > confirmed.points:
        raise ConfirmationFailed(details={"tries_left": 0})
    consume(confirmed)


def forget_codes() -> int:
    """Delete codes of earlier days; returns how many."""
    old = RedemptionCode.objects.filter(created_at__lt=timezone.now() - timedelta(days=2))
    return old.delete()[0]


def _check_pace(customer: Customer) -> None:
    now = timezone.now()
    sent = RedemptionCode.objects.filter(customer=customer, created_at__gt=now - timedelta(hours=1))
    times = list(sent.order_by("-created_at").values_list("created_at", flat=True)[:MOST_PER_HOUR])
    waits = [RESEND_AFTER - (now - times[0]).total_seconds()] if times else []
    if len(times) == MOST_PER_HOUR:
        waits.append(3600 - (now - times[-1]).total_seconds())
    wait = max(waits, default=0)
    if wait > 0:
        raise ConfirmationTooSoon(details={"retry_after": int(wait) + 1})


def _send(
    actor: Actor, customer: Customer, points: int, draw: Callable[[int], int] = secrets.randbelow
) -> RedemptionCode:
    code = f"{draw(10**DIGITS):0{DIGITS}}"
    row = RedemptionCode(
        customer=customer, points=points, expires_at=timezone.now() + LIFETIME, created_by_id=actor.user_id
    )
    row.code_hash = _keyed(row, code)
    message = queue_message(
        recipient=customer.phone,
        body=_text(code, points),
        kind=CONFIRMATION_CODE,
        purpose=Message.Purpose.TRANSACTIONAL,
        customer_id=customer.pk,
        dedupe_key=f"{CONFIRMATION_CODE}:{row.pk}",
        expires_at=row.expires_at,
    )
    row.message_id = message.pk
    row.save(force_insert=True)
    return row


def _keyed(row: RedemptionCode, code: str) -> str:
    """Return the keyed hash of a code; the row's id makes equal codes differ."""
    return salted_hmac("loyalty.redemption_code", f"{row.pk}:{code}", algorithm="sha256").hexdigest()


def _text(code: str, points: int) -> str:
    """Return the text in the café's language; the code stays Latin, as it is typed at the counter."""
    cafe = get_cafe()
    with translation.override(cafe.language):
        name = cafe.name if cafe.language == "fa" else cafe.name_en or cafe.name
        return _("Code: %(code)s\n%(points)s points will be spent at %(cafe)s.") % {
            "code": code, "points": localize(points, cafe.locale), "cafe": name,
        }  # fmt: skip
