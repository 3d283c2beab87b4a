"""Merging two guests, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.errors import CustomerAlreadyExists, CustomerNotFound
from customers.events import CustomersMerged, MergeUndone
from customers.merging.errors import MergeNotFound, MergeRefused, UndoRefused
from customers.merging.fields import combine
from customers.merging.registry import Merge, movers
from customers.models import Customer, DuplicateDismissal, DuplicatePair, MergeRecord
from customers.services.attach import lock_for_merge
from customers.services.customers import phone_conflicts
from customers.services.visits import lock_customer
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.events import publish
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national

# Not put back by an undo: they say that something happened to the row, and something did.
_BOOKKEEPING = {"id", "version", "updated_at", "updated_by_id"}


@survives_deadlock
def merge_customers(
    *,
    actor: Actor,
    kept_id: UUID,
    merged_id: UUID,
    choices: Mapping[str, str] | None = None,
    seen: tuple[int, int] | None = None,
) -> MergeRecord:
    """Make one guest of two: everything of ``merged_id`` becomes that of ``kept_id``.

    The merged guest is soft-deleted and points to the kept one; its number finds the kept guest from then on.

    Args:
        choices: which value wins, as in :func:`customers.merging.fields.combine`.
        seen: versions of both (kept, merged) in the preview a person agreed to; None skips the check.

    Raises:
        ValidationError: the same guest twice, or a choice that does not exist.
        CustomerNotFound: no such guest, or it was deleted.
        MergeRefused: one is blocked and the other is not, or one is part of another guest already.
        EditConflict: someone changed one of the two since ``seen``.
    """
    check_two(kept_id, merged_id)
    with write(actor):
        kept, merged = _lock_both(kept_id, merged_id)
        check_pair(kept, merged)
        if seen is not None and seen != (kept.version, merged.version):
            raise EditConflict(details={"version": kept.version, "other_version": merged.version})
        before = {"kept": _snapshot(kept), "merged": _snapshot(merged)}
        values = {row.name: row.result for row in combine(kept, merged, choices)}
        _write_guests(actor, kept, merged, values)
        merge = Merge(uuid7(), actor, kept, merged)
        moved = {mover.name: mover.move(merge) for mover in movers()}
        _settle(merge)
        record = MergeRecord.objects.create(
            id=merge.id,
            kept=kept,
            merged=merged,
            kept_version=kept.version,
            merged_version=merged.version,
            before={**before, "seal": _seal(kept.pk, merged.pk)},
            moved=moved,
            actor_name=actor.name,
        )
        publish(CustomersMerged(merge_id=str(record.pk), kept_id=str(kept.pk), merged_id=str(merged.pk)))
    return record


@survives_deadlock
def undo_merge(*, actor: Actor, merge_id: UUID) -> MergeRecord:
    """Make two guests of one again, as they were; possible until one of them, or what belongs to it, changes.

    Points go back through the ledger, which keeps both ways; so does the history of consent.

    Raises:
        MergeNotFound: there is no such merge.
        UndoRefused: it was undone already, something changed since, or a number has another owner. Nothing is
            changed then.
    """
    record = MergeRecord.objects.filter(pk=merge_id).first()
    if record is None:
        raise MergeNotFound(details={"merge_id": str(merge_id)})
    with write(actor):
        kept, merged = _lock_both(record.kept_id, record.merged_id)
        record = MergeRecord.objects.select_for_update(of=("self",)).get(pk=merge_id)
        if problem := undo_problem(record, kept, merged):
            raise problem
        _restore_guests(actor, kept, merged, record.before)
        merge = Merge(record.pk, actor, kept, merged)
        for mover in reversed(movers()):
            if mover.name in record.moved:
                mover.put_back(merge, record.moved[mover.name])
        _settle(merge)
        record.undone_at = timezone.now()
        record.save(update_fields=["undone_at", "updated_at"])
        publish(MergeUndone(merge_id=str(record.pk), kept_id=str(kept.pk), merged_id=str(merged.pk)))
    return record


def undo_problem(record: MergeRecord, kept: Customer, merged: Customer) -> UndoRefused | None:
    """Return why ``record`` cannot be undone now, or None. Reads only."""
    if record.undone_at is not None:
        return UndoRefused.already_undone()
    if (kept.version, merged.version) != (record.kept_version, record.merged_version) or not record.before:
        return UndoRefused.changed(Customer._meta.verbose_name or "", "customer")
    for mover in movers():
        if mover.name in record.moved and mover.seal(kept.pk, merged.pk) != record.before["seal"][mover.name]:
            return UndoRefused.changed(mover.label, mover.name)
    phones = [record.before[side]["phone"] for side in ("kept", "merged")]
    others = Customer.objects.filter(phone__in=phones, deleted_at=None).exclude(pk=kept.pk)
    for owner in others[:1]:
        return UndoRefused.phone_taken(owner.national_phone, owner.pk)
    return None


@survives_deadlock
def dismiss_duplicate(*, actor: Actor, first_id: UUID, second_id: UUID) -> None:
    """Note that two guests are two people, so that they are not offered again. Safe to repeat.

    Raises ValidationError for the same guest twice and CustomerNotFound.
    """
    check_two(first_id, second_id)
    found = set(
        Customer.objects.filter(pk__in=(first_id, second_id), deleted_at=None).values_list("pk", flat=True)
    )
    for customer_id in (first_id, second_id):
        if customer_id not in found:
            raise CustomerNotFound(details={"customer_id": str(customer_id)})
    first, second = sorted((first_id, second_id))
    with write(actor):
        DuplicateDismissal.objects.get_or_create(
            first_id=first, second_id=second, defaults={"actor_name": actor.name}
        )
        DuplicatePair.objects.filter(first_id=first, second_id=second).delete()


def check_two(first_id: UUID, second_id: UUID) -> None:
    """Refuse one guest given twice with a ValidationError."""
    if first_id == second_id:
        raise ValidationError({"other_id": [_("Choose another customer: this is the same one.")]})


def check_pair(kept: Customer, merged: Customer) -> None:
    """Refuse two guests that cannot be merged. Raises CustomerNotFound and MergeRefused."""
    for guest in (kept, merged):
        if guest.merged_into_id is not None:
            raise MergeRefused.already_merged(guest.pk, guest.merged_into_id)
        if guest.deleted_at is not None:
            raise CustomerNotFound(details={"customer_id": str(guest.pk)})
    if kept.is_blocked != merged.is_blocked:
        raise MergeRefused.one_is_blocked(kept.pk if kept.is_blocked else merged.pk)


def _lock_both(kept_id: UUID, merged_id: UUID) -> tuple[Customer, Customer]:
    """Lock two guests, always the smaller id first, so that two merges never wait for each other in a ring.

    The first lock also holds off those who only refer to a guest (:mod:`customers.services.attach`).
    """
    lock_for_merge((kept_id, merged_id))
    found = {key: lock_customer(customer_id=key, deleted_too=True) for key in sorted((kept_id, merged_id))}
    return found[kept_id], found[merged_id]


def _write_guests(actor: Actor, kept: Customer, merged: Customer, values: Mapping[str, Any]) -> None:
    """Take the merged guest out of the book, then write the kept one.

    When the merged guest's number is kept, the other number stays on the merged row: both find the kept guest.
    """
    merged.deleted_at, merged.merged_into = timezone.now(), kept
    if values["phone"] == merged.phone:
        merged.phone = kept.phone
    _save(merged, actor)
    for name, value in values.items():
        setattr(kept, name, value)
    _save(kept, actor)


def _restore_guests(actor: Actor, kept: Customer, merged: Customer, before: Mapping[str, Any]) -> None:
    """Write both guests as they were, the kept one first: it gives the number back."""
    phone = before["merged"]["phone"]
    try:
        with phone_conflicts(phone):
            for guest, side in ((kept, "kept"), (merged, "merged")):
                for field in _fields():
                    setattr(guest, field.attname, _read(field, before[side][field.attname]))
                _save(guest, actor)
    except CustomerAlreadyExists as error:
        shown = national(phone, get_locale().phone_region)
        raise UndoRefused.phone_taken(shown, UUID(error.details["customer_id"])) from None


def _save(guest: Customer, actor: Actor) -> None:
    guest.version += 1
    guest.updated_by_id = actor.user_id
    names = [field.name for field in _fields()]
    guest.save(update_fields=[*names, "version", "updated_by", "updated_at"])


def _fields() -> list[Any]:
    return [
        field
        for field in Customer._meta.concrete_fields
        if not field.generated and field.attname not in _BOOKKEEPING
    ]


def _snapshot(guest: Customer) -> dict[str, Any]:
    return {field.attname: _plain(getattr(guest, field.attname)) for field in _fields()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _read(field: Any, value: Any) -> Any:
    return value if value is None or isinstance(field, models.JSONField) else field.to_python(value)


def _seal(kept_id: UUID, merged_id: UUID) -> dict[str, Any]:
    return {mover.name: mover.seal(kept_id, merged_id) for mover in movers()}


def _settle(merge: Merge) -> None:
    for mover in movers():
        mover.settle(merge)
