"""What staff note about a guest."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.models import CustomerNote
from customers.seen import check_seen
from customers.services.attach import hold_guest
from customers.services.customers import lock_guest
from servaan_crm.accounts.permissions import ROLE_PERMISSIONS, P
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import NotFound, PermissionDenied

MAX_LENGTH = 2_000


@survives_deadlock
def add_note(*, actor: Actor, customer_id: UUID, text: str, is_pinned: bool = False) -> CustomerNote:
    """Write a note (1-2,000 code points) about a guest who is not deleted.

    Raises CustomerNotFound, ValidationError.
    """
    cleaned = _clean(text)
    with write(actor):
        customer_id = hold_guest(customer_id)
        return CustomerNote.objects.create(
            customer_id=customer_id,
            text=cleaned,
            is_pinned=is_pinned,
            author_id=actor.user_id,
            author_name=actor.name,
        )


@survives_deadlock
def change_note(
    *,
    actor: Actor,
    customer_id: UUID,
    note_id: UUID,
    text: str | None = None,
    is_pinned: bool | None = None,
    seen: datetime | None = None,
) -> CustomerNote:
    """Change the words of a note, or pin or unpin it. Anybody may pin; the words belong to their author.

    Args:
        seen: ``updated_at`` of what the change was made from; None to change whatever is there.

    Raises CustomerNotFound, EditConflict, NotFound, ValidationError; PermissionDenied for the words of somebody else,
    which managers may change.
    """
    with write(actor):
        note = _lock_note(customer_id, note_id)
        check_seen(note, seen)
        if text is not None and _clean(text) != note.text:
            require_author(actor, note)
            note.text = _clean(text)
        if is_pinned is not None:
            note.is_pinned = is_pinned
        note.save(update_fields=["text", "is_pinned", "updated_at"])
        return note


@survives_deadlock
def delete_note(*, actor: Actor, customer_id: UUID, note_id: UUID) -> None:
    """Delete a note of one's own; managers may delete any.

    Raises CustomerNotFound, NotFound, PermissionDenied.
    """
    with write(actor):
        note = _lock_note(customer_id, note_id)
        require_author(actor, note)
        note.delete()


def may_change(actor: Actor, note: CustomerNote) -> bool:
    """Say whether ``actor`` wrote the note, or manages everybody's."""
    own = actor.user_id is not None and note.author_id == actor.user_id
    return own or P.NOTES_MANAGE in ROLE_PERMISSIONS.get(actor.role, frozenset())


def require_author(actor: Actor, note: CustomerNote) -> None:
    """Raise PermissionDenied unless :func:`may_change`."""
    if not may_change(actor, note):
        raise PermissionDenied(
            _("Only the author of a note or a manager can change it."), details={"note_id": str(note.pk)}
        )


def _lock_note(customer_id: UUID, note_id: UUID) -> CustomerNote:
    lock_guest(customer_id)
    note = CustomerNote.objects.select_for_update().filter(pk=note_id, customer_id=customer_id).first()
    if note is None:
        raise NotFound(details={"note_id": str(note_id)})
    return note


def _clean(text: Any) -> str:
    cleaned = text.strip() if isinstance(text, str) else ""
    if not cleaned:
        raise ValidationError({"text": [_("Write something.")]})
    if "\x00" in cleaned or len(cleaned) > MAX_LENGTH:
        raise ValidationError({"text": [_("A note has at most 2,000 characters.")]})
    return cleaned
