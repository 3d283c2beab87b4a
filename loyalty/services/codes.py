"""Discount codes: made, checked against a bill, counted exactly.

Locks are taken in one order everywhere: the guest first, then the row of the code. A bill uses one code at most,
so no two transactions can wait for each other's codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer, Visit
from loyalty.benefits import OpenBill
from loyalty.code_errors import CodeNotForGuest, CodeUsedUp, DiscountCodeNotUsable
from loyalty.models import DiscountCode, DiscountUse, Tier
from loyalty.rules import is_within
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import NotFound
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.money import format_money

MAX_GENERATED = 10_000
# Letters and digits nobody mixes up; ten of them are 50 bits, which nobody guesses.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RANDOM_LENGTH = 10
EDITABLE = (
    "code", "name", "kind", "value", "max_discount", "item_name", "minimum_amount", "starts_on", "ends_on",
    "max_uses", "max_uses_per_guest", "customer_id", "tiers", "outlets", "is_active",
)  # fmt: skip
# What a code that was used stands for: its uses were given under these terms.
_FIXED_ONCE_USED = ("code", "kind", "customer_id")


def normal_code(text: str) -> str:
    """Return a code as it is stored: Latin capitals and ASCII digits, no spaces."""
    return "".join(to_ascii(text).split()).upper()


# ---------- making and changing ----------


def create_code(*, actor: Actor, values: Mapping[str, Any], campaign_id: UUID | None = None) -> DiscountCode:
    """Create one code. ``values``: any of ``EDITABLE``, amounts in the base unit; without "code" one is drawn.

    Raises:
        ValidationError: names each bad field, also a code that exists.
    """
    row = DiscountCode(**_known(values), campaign_id=campaign_id, created_by_id=actor.user_id)
    row.code = normal_code(row.code) or draw_code()
    with write(actor):
        _check(row)
        row.save(force_insert=True)
    return row


def update_code(*, actor: Actor, code_id: UUID, changes: Mapping[str, Any]) -> DiscountCode:
    """Change a code from now on; what was given stays given.

    Raises:
        ValidationError: names each bad field. The code itself, its kind and its guest stay once it was used.
        NotFound: there is no such code.
    """
    changes = _known(changes)
    if "code" in changes:
        changes["code"] = normal_code(changes["code"])
    with write(actor):
        row = _locked(code_id)
        changed = [name for name, value in changes.items() if getattr(row, name) != value]
        frozen = [name for name in changed if name in _FIXED_ONCE_USED]
        if frozen and row.uses.exists():
            raise ValidationError(dict.fromkeys(frozen, _("The code was used already: this cannot change.")))
        for name in changed:
            setattr(row, name, changes[name])
        if changed:
            _check(row)
            row.save(update_fields=[*changed, "updated_at"])
    return row


def switch_off_code(*, actor: Actor, code_id: UUID) -> DiscountCode:
    """Let a code take nothing off any more; its uses stay. Again changes nothing. Raises NotFound."""
    return update_code(actor=actor, code_id=code_id, changes={"is_active": False})


def generate_codes(
    *, actor: Actor, count: int, prefix: str, values: Mapping[str, Any], campaign_id: UUID | None = None
) -> list[str]:
    """Create ``count`` codes that nobody can guess, each usable once, in one statement; returns them.

    Args:
        prefix: up to 20 letters, digits or dashes before the drawn part; may be empty.
        values: any of ``EDITABLE`` except code, customer_id and max_uses.

    Raises:
        ValidationError: names each bad field.
    """
    prefix = normal_code(prefix)
    if not 1 <= count <= MAX_GENERATED:
        most = f"{MAX_GENERATED:,}"
        raise ValidationError({"count": _("Give a whole number from 1 to %(most)s.") % {"most": most}})
    if len(prefix) > 20:
        raise ValidationError({"prefix": _("At most 20 characters.")})
    terms = _known(values) | {"max_uses": 1, "customer_id": None}
    first = DiscountCode(
        **terms | {"code": draw_code(prefix)}, campaign_id=campaign_id, created_by_id=actor.user_id
    )
    with write(actor):
        _check(first, field_of_code="prefix")
        first.save(force_insert=True)
        made = [first.code]
        while len(made) < count:
            made += _copies(first, {draw_code(prefix) for _number in range(count - len(made))})
    return made


def _copies(code: DiscountCode, wanted: set[str]) -> list[str]:
    """Write ``code`` again under each of the wanted codes in one statement; returns those that were still free."""
    own = {"id", "code"}
    names = [field.attname for field in DiscountCode._meta.concrete_fields if field.name not in own]
    into, source = ", ".join(names), ", ".join(f"old.{name}" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO loyalty_discountcode (id, code, {into})"
            f" SELECT new.id, new.code, {source}"
            "   FROM unnest(%s::uuid[], %s::text[]) AS new (id, code), loyalty_discountcode AS old"
            "  WHERE old.id = %s ON CONFLICT (code) DO NOTHING RETURNING code",
            [[uuid7() for _code in wanted], list(wanted), code.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def draw_code(prefix: str = "") -> str:
    """Return a code that cannot be guessed: ``PREFIX-`` and ten drawn characters."""
    drawn = "".join(secrets.choice(ALPHABET) for _place in range(RANDOM_LENGTH))
    return f"{prefix}-{drawn}" if prefix else drawn


def _locked(code_id: UUID) -> DiscountCode:
    row = DiscountCode.objects.select_for_update(no_key=True).filter(pk=code_id).first()
    if row is None:
        raise NotFound(details={"code_id": str(code_id)})
    return row


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in values if name not in EDITABLE]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("This field cannot be changed.")))
    return dict(values)


def _check(row: DiscountCode, field_of_code: str = "code") -> None:
    problems = _benefit_problems(row)
    if not 3 <= len(row.code) <= 40 or not set(row.code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"):
        problems[field_of_code] = _("Use 3 to 40 Latin letters, digits or dashes.")
    elif DiscountCode.objects.filter(code=row.code).exclude(pk=row.pk).exists():
        problems[field_of_code] = _("This code exists already.")
    if row.starts_on and row.ends_on and row.ends_on < row.starts_on:
        problems["ends_on"] = _("The end is before the beginning.")
    if row.minimum_amount < 0:
        problems["minimum_amount"] = _("The amount cannot be negative.")
    for name in ("max_uses", "max_uses_per_guest"):
        if getattr(row, name) is not None and getattr(row, name) < 1:
            problems[name] = _("Give at least 1, or leave it empty.")
    if row.max_uses is not None and "max_uses" not in problems and row.max_uses < row.times_used:
        problems["max_uses"] = _("It was used %(times)s times already.") % {"times": row.times_used}
    if not set(row.tiers) <= set(Tier.Level.values):
        problems["tiers"] = _("Choose one of: %(values)s.") % {"values": ", ".join(Tier.Level.values)}
    if row.outlets and Outlet.objects.filter(pk__in=row.outlets).count() != len(set(row.outlets)):
        problems["outlets"] = _("There is no such outlet.")
    if row.customer_id and not Customer.objects.filter(pk=row.customer_id, deleted_at=None).exists():
        problems["customer_id"] = _("There is no such guest.")
    if problems:
        raise ValidationError(problems)


def _benefit_problems(row: DiscountCode) -> dict[str, str]:
    problems = {}
    kinds = DiscountCode.Kind
    if row.kind not in kinds.values:
        problems["kind"] = _("Choose one of: %(values)s.") % {"values": ", ".join(kinds.values)}
    if row.value is None or row.value < 0 or (row.kind != kinds.ITEM and row.value == 0):
        problems["value"] = _("Give a number above zero.")
    elif row.kind == kinds.PERCENT and row.value > 100:
        problems["value"] = _("A percentage is at most 100.")
    elif row.value > Decimal("99999999999"):
        problems["value"] = _("This number is too large.")
    if row.kind == kinds.ITEM and not row.item_name.strip():
        problems["item_name"] = _("Say which item is free.")
    if row.max_discount is not None and row.max_discount <= 0:
        problems["max_discount"] = _("Give a number above zero.")
    return problems


# ---------- on a bill ----------


@dataclass(frozen=True, slots=True)
class CodeQuote:
    """What a code takes off a bill, base unit."""

    code: DiscountCode
    discount: Decimal


def quote(
    text: str,
    *,
    customer: Customer | None,
    tier: str,
    bill: OpenBill,
    total: Decimal,
    outlet_id: UUID | None,
    at: datetime,
) -> CodeQuote:
    """Return what the code gives on a bill, and take it off ``bill``. Reads only; :func:`use` counts it.

    Args:
        text: the code as typed.
        customer: None for a walk-in, which may use codes that ask nothing of the guest.
        tier: the guest's tier before this bill; "" for a walk-in or a new guest means the lowest.
        total: the bill before any discount, base unit.
        at: when the bill was paid, aware.

    Raises:
        DiscountCodeNotUsable: names the code, and why in one word.
    """
    row = DiscountCode.objects.filter(code=normal_code(text)).first()
    if row is None:
        raise DiscountCodeNotUsable.because("unknown", normal_code(text)[:40])
    if reason := _why_not(row, customer, tier, total, outlet_id, local_date(at)):
        raise DiscountCodeNotUsable.because(reason, row.code, amount=format_money(row.minimum_amount))
    try:
        discount = bill.take(row)
    except ValidationError:
        raise DiscountCodeNotUsable.because("item", row.code, item=row.item_name) from None
    if not discount:
        raise DiscountCodeNotUsable.because("nothing_left", row.code)
    return CodeQuote(row, discount)


def _why_not(
    row: DiscountCode,
    customer: Customer | None,
    tier: str,
    total: Decimal,
    outlet_id: UUID | None,
    day: date,
) -> str:
    """Return in one word why the code does not fit; empty when nothing but the bill's items may be in the way."""
    asks_who = bool(row.customer_id or row.tiers or row.max_uses_per_guest or row.max_uses == 1)
    checks = (
        ("off", not row.is_active),
        ("not_yet", not is_within(day, row.starts_on, None)),
        ("expired", not is_within(day, None, row.ends_on)),
        ("used_up", row.max_uses is not None and row.times_used >= row.max_uses),
        ("blocked", customer is not None and customer.is_blocked),
        ("needs_guest", customer is None and asks_who),
        ("another_guest", bool(row.customer_id and customer and row.customer_id != customer.pk)),
        ("tier", bool(customer and row.tiers and tier not in row.tiers)),
        ("outlet", bool(row.outlets and outlet_id not in row.outlets)),
        ("minimum", total < row.minimum_amount),
    )
    found = next((reason for reason, is_so in checks if is_so), "")
    return found or ("used_by_guest" if customer is not None and _is_used_by(row, customer) else "")


def _is_used_by(row: DiscountCode, customer: Customer) -> bool:
    """Say whether the guest used the code as often as one guest may. True under the guest's lock."""
    if row.max_uses_per_guest is None or customer._state.adding:
        return False
    uses = DiscountUse.objects.filter(customer_id=customer.pk, code=row, reversed_at=None)
    return uses.count() >= row.max_uses_per_guest


def use(quoted: CodeQuote, *, customer: Customer | None, visit: Visit) -> DiscountUse:
    """Count the use of a quoted code on a visit that is written. The caller holds the guest's lock.

    Raises:
        DiscountCodeNotUsable: another till took the last use in between, or the code was switched off.
    """
    if not _count_one(quoted.code.pk, only_active=True):
        raise DiscountCodeNotUsable.because("used_up", quoted.code.code)
    return DiscountUse.objects.create(
        code=quoted.code, customer=customer, visit=visit, amount=quoted.discount
    )


def _count_one(code_id: UUID, *, only_active: bool) -> bool:
    """Raise the counter unless the code is used up; of two at once for the last use, one gets it."""
    rows = DiscountCode.objects.filter(Q(max_uses=None) | Q(times_used__lt=F("max_uses")), pk=code_id)
    if only_active:
        rows = rows.filter(is_active=True)
    return bool(rows.update(times_used=F("times_used") + 1))


def used_code(visit: Visit) -> str:
    """Return the code that counts on this visit; "" without one."""
    uses = DiscountUse.objects.filter(visit=visit, reversed_at=None)
    return uses.values_list("code__code", flat=True).first() or ""


def release(visit: Visit) -> None:
    """Give the use of a voided visit back. The caller holds the locks of guest and visit."""
    freed = (
        DiscountUse.objects.filter(visit=visit, reversed_at=None).values_list("code_id", flat=True).first()
    )
    if freed is not None:
        DiscountUse.objects.filter(visit=visit, reversed_at=None).update(
            reversed_at=timezone.now(), updated_at=timezone.now()
        )
        DiscountCode.objects.filter(pk=freed).update(times_used=F("times_used") - 1)


def retake(visit: Visit, customer: Customer | None) -> None:
    """Count the use of a visit again that is restored after a void. The caller holds the locks.

    A code that expired or was switched off meanwhile counts as on the day of the bill.

    Raises:
        CodeUsedUp: other bills used the code up meanwhile.
    """
    found = DiscountUse.objects.filter(visit=visit).select_related("code").first()
    if found is None or found.reversed_at is None:
        return
    taken = customer is not None and _is_used_by(found.code, customer)
    if taken or not _count_one(found.code_id, only_active=False):
        raise CodeUsedUp(params={"code": found.code.code}, details={"discount_code": found.code.code})
    DiscountUse.objects.filter(pk=found.pk).update(reversed_at=None, updated_at=timezone.now())


def hand_over(visit: Visit, target: Customer) -> None:
    """Let the use of a visit belong to the guest the visit is moved to. The caller holds both guests' locks.

    Raises:
        CodeNotForGuest: the code is another guest's, or this guest used it as often as it may.
    """
    found = DiscountUse.objects.filter(visit=visit, reversed_at=None).select_related("code").first()
    if found is None:
        return
    row = found.code
    if (row.customer_id and row.customer_id != target.pk) or _is_used_by(row, target):
        raise CodeNotForGuest(params={"code": row.code}, details={"discount_code": row.code})
    DiscountUse.objects.filter(pk=found.pk).update(customer=target, updated_at=timezone.now())
