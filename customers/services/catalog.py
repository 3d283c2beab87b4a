"""The small tables of the room: tags, and what is on the menu."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.utils.translation import gettext as _

from customers.models import MenuItem, Tag
from customers.seen import check_seen
from customers.services.names import one_of_its_name
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import NotFound

Row = TypeVar("Row", Tag, MenuItem)


def save_tag(
    *, actor: Actor, values: Mapping[str, Any], tag: Tag | None = None, seen: datetime | None = None
) -> Tag:
    """Create a tag, or change ``tag``, with ``values`` (name, color).

    Args:
        seen: ``updated_at`` of what the change was made from; None to change whatever is there.

    Raises EditConflict, NotFound, ValidationError.
    """
    return _save(actor, tag or Tag(), values, seen)


def delete_tag(*, actor: Actor, tag_id: UUID) -> None:
    """Take a tag off all guests and out of the book."""
    with write(actor):
        # Waits for those who are putting it on at this moment, so that none is left behind.
        for tag in Tag.objects.select_for_update().filter(pk=tag_id):
            tag.delete()


def save_menu_item(
    *, actor: Actor, values: Mapping[str, Any], item: MenuItem | None = None, seen: datetime | None = None
) -> MenuItem:
    """Create an item, or change ``item``, with ``values``; visits keep the price of their day.

    The arguments and refusals are those of :func:`save_tag`.
    """
    return _save(actor, item or MenuItem(), values, seen)


def _save(actor: Actor, row: Row, values: Mapping[str, Any], seen: datetime | None) -> Row:
    with one_of_its_name(_("There is one with this name.")), write(actor):
        if not row._state.adding:
            row = _lock(row)
            check_seen(row, seen)
        for name, value in values.items():
            setattr(row, name, value)
        row.full_clean()
        row.save()
    return row


def _lock(row: Row) -> Row:
    """Return the row as it is now: what somebody else changed in another field stays."""
    found = type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
    if found is None:
        raise NotFound(details={"id": str(row.pk)})
    return found
