"""The small tables of the room: tags, and what is on the menu."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from customers.models import MenuItem, Tag
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write

Row = TypeVar("Row", Tag, MenuItem)


def save_tag(*, actor: Actor, values: Mapping[str, Any], tag: Tag | None = None) -> Tag:
    """Create a tag, or change ``tag``, with ``values`` (name, color). Raises ValidationError."""
    return _save(actor, tag or Tag(), values)


def delete_tag(*, actor: Actor, tag_id: UUID) -> None:
    """Take a tag off all guests and out of the book."""
    with write(actor):
        Tag.objects.filter(pk=tag_id).delete()


def save_menu_item(*, actor: Actor, values: Mapping[str, Any], item: MenuItem | None = None) -> MenuItem:
    """Create an item, or change ``item``, with ``values``; visits keep the price of their day.

    Raises ValidationError.
    """
    return _save(actor, item or MenuItem(), values)


def _save(actor: Actor, row: Row, values: Mapping[str, Any]) -> Row:
    for name, value in values.items():
        setattr(row, name, value)
    with write(actor):
        row.full_clean()
        row.save()
    return row
