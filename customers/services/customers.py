"""Entering, changing, deleting and restoring guests."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.errors import CustomerAlreadyExists, CustomerNotFound
from customers.events import (
    ConsentChanged,
    CustomerCreated,
    CustomerDeleted,
    CustomerRestored,
    CustomerUpdated,
)
from customers.merging.errors import MergeRefused
from customers.merging.heirs import heir_of
from customers.models import ConsentChange, Customer, CustomerSummary, Tag
from customers.services.custom_fields import merge_custom
from customers.services.tags import hold_tags
from customers.services.validation import clean_fields
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.events import publish
from servaan_crm.messaging.services import block_waiting

ALL_CHANNELS = "all"
WANTS_NONE = _("The guest wants no messages.")


@survives_deadlock
def create_customer(
    *, actor: Actor, phone: str, name: str, offer_restore: bool = False, **fields: Any
) -> Customer:
    """Enter a guest, with an empty summary, and tell the other rooms.

    Args:
        phone: any form of a mobile number of the café's country; stored as E.164.
        name: 3-100 code points.
        offer_restore: refuse when a deleted guest had this number, so that a person can decide.
        fields: any of email, birthday, anniversary, gender, notes, preferences, address, city,
            postal_code, allow_marketing, status, block_reason, name_english, outlet_id, tags (``Tag`` rows),
            custom (key of an own field → value).

    Raises:
        ValidationError: names every field that is not right.
        CustomerAlreadyExists: the number has an owner, or had one and ``offer_restore`` is set.
    """
    values = clean_fields({"phone": phone, "name": name, **fields})
    tags: Iterable[Tag] = values.pop("tags", ())
    _settle_block_reason(values, values.get("status", Customer.Status.ACTIVE))
    if offer_restore:
        _offer_restore(values["phone"])
    values["custom"] = merge_custom({}, values.get("custom", {}))
    customer = Customer(**values, created_by_id=actor.user_id, updated_by_id=actor.user_id)
    with phone_conflicts(values["phone"]), write(actor):
        customer.save(force_insert=True)
        customer.summary = CustomerSummary.objects.create(customer=customer)
        if tags:
            hold_tags(tags)
            customer.tags.set(tags)
        if not customer.allow_marketing:
            note_consent(actor, customer)
        publish(CustomerCreated(customer_id=str(customer.pk), phone=customer.phone))
    return customer


@survives_deadlock
def update_customer(
    *, actor: Actor, customer_id: UUID, expected_version: int | None, changes: Mapping[str, Any]
) -> Customer:
    """Write ``changes`` (field name → value, as in :func:`create_customer`) and return the guest.

    Args:
        expected_version: the version the person saw; None skips the check.

    Raises:
        CustomerNotFound: no such guest, or it is deleted.
        EditConflict: someone else changed the guest since ``expected_version``.
        ValidationError, CustomerAlreadyExists: as for :func:`create_customer`.
    """
    values = clean_fields(changes)
    tags: Iterable[Tag] | None = values.pop("tags", None)
    with phone_conflicts(values.get("phone", "")), write(actor):
        customer = lock_guest(customer_id)
        if expected_version is not None and customer.version != expected_version:
            raise EditConflict(details={"version": customer.version, "expected_version": expected_version})
        _settle_block_reason(values, values.get("status", customer.status))
        if "custom" in values:
            values["custom"] = merge_custom(customer.custom, values["custom"])
        changed = [name for name, value in values.items() if getattr(customer, name) != value]
        if tags is not None and _set_tags(customer, tags):
            changed.append("tags")
        if not changed:
            return customer
        for name in changed:
            if name != "tags":
                setattr(customer, name, values[name])
        if "allow_marketing" in changed:
            note_consent(actor, customer)
        customer.version += 1
        customer.updated_by_id = actor.user_id
        customer.save(
            update_fields=[*(n for n in changed if n != "tags"), "version", "updated_by", "updated_at"]
        )
        publish(CustomerUpdated(customer_id=str(customer.pk), fields=sorted(changed)))
    return customer


@survives_deadlock
def delete_customer(*, actor: Actor, customer_id: UUID) -> Customer:
    """Take a guest out of the book; the history stays and the number becomes free.

    Raises:
        CustomerNotFound: no such guest, or it is deleted already.
    """
    with write(actor):
        customer = lock_guest(customer_id)
        _mark(customer, actor, deleted=True)
        publish(CustomerDeleted(customer_id=str(customer.pk)))
    return customer


@survives_deadlock
def restore_customer(*, actor: Actor, customer_id: UUID) -> Customer:
    """Bring a deleted guest back; a guest who is not deleted is returned as it is.

    Raises:
        CustomerNotFound: no such guest.
        CustomerAlreadyExists: the number has another owner meanwhile.
        MergeRefused: the guest is part of another one; undoing the merge brings it back.
    """
    phone = Customer.objects.filter(pk=customer_id).values_list("phone", flat=True).first() or ""
    with phone_conflicts(phone), write(actor):
        customer = lock_guest(customer_id, deleted_too=True)
        if customer.deleted_at is None:
            return customer
        if customer.merged_into_id is not None:
            raise MergeRefused.already_merged(customer.pk, customer.merged_into_id)
        _mark(customer, actor, deleted=False)
        publish(CustomerRestored(customer_id=str(customer.pk)))
    return customer


def lock_guest(customer_id: UUID, *, deleted_too: bool = False) -> Customer:
    """Return the guest, locked until the transaction ends; an erased one is gone for good.

    Raises CustomerNotFound.
    """
    rows = Customer.objects.select_related("summary").select_for_update(of=("self",), no_key=True)
    if not deleted_too:
        rows = rows.filter(deleted_at=None)
    customer = rows.filter(pk=customer_id).first()
    if customer is None or customer.erased_at is not None:
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return customer


def _mark(customer: Customer, actor: Actor, *, deleted: bool) -> None:
    customer.deleted_at = timezone.now() if deleted else None
    customer.version += 1
    customer.updated_by_id = actor.user_id
    customer.save(update_fields=["deleted_at", "version", "updated_by", "updated_at"])


def note_consent(actor: Actor, customer: Customer) -> None:
    """Add what ``allow_marketing`` says now to the guest's history of consent, and stop what waits to be sent."""
    ConsentChange.objects.create(
        customer=customer,
        channel=ALL_CHANNELS,
        granted=customer.allow_marketing,
        source=source_of(actor),
        actor_name=actor.name,
    )
    publish(
        ConsentChanged(customer_id=str(customer.pk), channel=ALL_CHANNELS, granted=customer.allow_marketing)
    )
    if not customer.allow_marketing:
        block_waiting(customer_id=customer.pk, reason=str(WANTS_NONE))


def source_of(actor: Actor) -> str:
    """Return how a yes or no came in, from who brings it."""
    if actor.kind == "user":
        return "api" if actor.role == "integrator" else "staff"
    return "import" if actor.kind == "system" else "sign_up"


def _set_tags(customer: Customer, tags: Iterable[Tag]) -> bool:
    rows = list(tags)
    if {tag.pk for tag in rows} == set(customer.tags.values_list("pk", flat=True)):
        return False
    hold_tags(rows)
    customer.tags.set(rows)
    return True


def _settle_block_reason(values: dict[str, Any], status: str) -> None:
    """A reason belongs to a blocked guest only."""
    if status != Customer.Status.BLOCKED and ("status" in values or "block_reason" in values):
        values["block_reason"] = ""


def _offer_restore(phone: str) -> None:
    """Refuse a number without an owner that a deleted guest had; the last one who had it is offered.

    A merged record cannot come back alone: the guest it is part of is named instead.
    """
    rows = Customer.objects.filter(phone=phone).order_by("-deleted_at").values_list("pk", "deleted_at")
    if rows and all(deleted_at is not None for _pk, deleted_at in rows) and (heir := heir_of(phone)):
        raise CustomerAlreadyExists.was_merged(phone, heir)
    if rows and all(deleted_at is not None for _pk, deleted_at in rows):
        raise CustomerAlreadyExists.was_deleted(phone, rows[0][0])


@contextmanager
def phone_conflicts(phone: str) -> Iterator[None]:
    """Turn the database's refusal of a second owner of ``phone`` into ours.

    The unique index decides, so of two who enter the same number at once one wins and one is told.
    """
    try:
        yield
    except IntegrityError as error:
        if not is_phone_conflict(error):
            raise
        owner = Customer.objects.filter(phone=phone, deleted_at=None).values_list("pk", flat=True).first()
        if owner is None:  # gone again in this very moment
            raise EditConflict from None
        raise CustomerAlreadyExists.owned_by(phone, owner) from None


def is_phone_conflict(error: IntegrityError) -> bool:
    """Say whether the database refused a second owner of a number."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", "") == "customer_phone"
