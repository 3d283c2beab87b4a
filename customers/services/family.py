"""The people a guest comes with or buys for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.models import FamilyMember
from customers.seen import check_seen
from customers.services.customers import lock_guest
from customers.services.validation import clean_past_day, limited_text
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import NotFound
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone

MAX_MEMBERS = 50


@survives_deadlock
def add_family_member(*, actor: Actor, customer_id: UUID, values: Mapping[str, Any]) -> FamilyMember:
    """Note a family member: name and relationship, and any of birthday, phone, address, notes.

    Raises CustomerNotFound, ValidationError (names each wrong field).
    """
    member = FamilyMember(customer_id=customer_id, **clean_member({"name": "", "relationship": "", **values}))
    with write(actor):
        lock_guest(customer_id)
        if FamilyMember.objects.filter(customer_id=customer_id).count() >= MAX_MEMBERS:
            raise ValidationError(_("No guest has that many family members."))
        member.save(force_insert=True)
    return member


@survives_deadlock
def change_family_member(
    *,
    actor: Actor,
    customer_id: UUID,
    member_id: UUID,
    values: Mapping[str, Any],
    seen: datetime | None = None,
) -> FamilyMember:
    """Write ``values`` over those of a family member.

    Args:
        seen: ``updated_at`` of what the change was made from; None to change whatever is there.

    Raises CustomerNotFound, EditConflict, NotFound, ValidationError.
    """
    cleaned = clean_member(values)
    with write(actor):
        member = _lock_member(customer_id, member_id)
        check_seen(member, seen)
        for name, value in cleaned.items():
            setattr(member, name, value)
        member.save()
    return member


@survives_deadlock
def remove_family_member(*, actor: Actor, customer_id: UUID, member_id: UUID) -> None:
    """Forget a family member. Raises CustomerNotFound, NotFound."""
    with write(actor):
        _lock_member(customer_id, member_id).delete()


def clean_member(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` as stored. Raises ValidationError naming every wrong field; unknown ones are bugs."""
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _CLEANERS[name](value)
        except ValidationError as error:
            errors[name] = error.messages
    if errors:
        raise ValidationError(errors)
    return cleaned


def _name(value: Any) -> str:
    name = " ".join(limited_text(100)(value).split())
    if not name:
        raise ValidationError(_("Give the name."))
    return name


def _relationship(value: Any) -> str:
    text = limited_text(20)(value)
    if text not in FamilyMember.Relationship.values:
        legal = ", ".join(FamilyMember.Relationship.values)
        raise ValidationError(_("Choose one of: %(values)s.") % {"values": legal})
    return text


def _phone(value: Any) -> str:
    text = limited_text(60)(value)
    if not text:
        return ""
    try:
        return parse_phone(text, get_locale().phone_region)
    except PhoneError as error:
        raise ValidationError(error.suggestion(get_locale().language), code=error.code) from None


_CLEANERS = {
    "name": _name,
    "relationship": _relationship,
    "birthday": clean_past_day,
    "phone": _phone,
    "address": limited_text(1_000),
    "notes": limited_text(1_000),
}


def _lock_member(customer_id: UUID, member_id: UUID) -> FamilyMember:
    lock_guest(customer_id)
    member = FamilyMember.objects.select_for_update().filter(pk=member_id, customer_id=customer_id).first()
    if member is None:
        raise NotFound(details={"member_id": str(member_id)})
    return member
