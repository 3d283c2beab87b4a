"""The rules of stamp cards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from loyalty.models import StampCard, StampEntry
from loyalty.reward_errors import StampCardInUse, StampCardNotFound
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict

MAX_POINTS = 10_000_000
MAX_NAMES = 50


def create_stamp_card(*, actor: Actor, values: Mapping[str, Any]) -> StampCard:
    """Add a stamp card. Amounts in the base unit. Raises ValidationError naming each bad field."""
    card = StampCard(**values)
    _check(card)
    with write(actor):
        card.save(force_insert=True)
    return card


def update_stamp_card(
    *, actor: Actor, card_id: UUID, changes: Mapping[str, Any], seen: datetime | None = None
) -> StampCard:
    """Change a stamp card from now on. The number of stamps stays as soon as a guest has one.

    Args:
        seen: ``updated_at`` of the card the changes were made from; None to change whatever is there.

    Raises:
        ValidationError, StampCardNotFound, EditConflict.
    """
    with write(actor):
        card = StampCard.objects.select_for_update().filter(pk=card_id).first()
        if card is None:
            raise StampCardNotFound(details={"stamp_card_id": str(card_id)})
        if seen is not None and card.updated_at != seen:
            raise EditConflict(details={"stamp_card_id": str(card_id)})
        needed = card.stamps_needed
        for name, value in changes.items():
            setattr(card, name, value)
        if card.stamps_needed != needed and StampEntry.objects.filter(card=card).exists():
            text = _("Guests have stamps on this card. Switch it off and make a new one.")
            raise ValidationError({"stamps_needed": text})
        _check(card)
        card.save()
        return card


def delete_stamp_card(*, actor: Actor, card_id: UUID) -> None:
    """Delete a card nobody has a stamp on. Raises StampCardNotFound, StampCardInUse."""
    with write(actor):
        card = StampCard.objects.select_for_update().filter(pk=card_id).first()
        if card is None:
            raise StampCardNotFound(details={"stamp_card_id": str(card_id)})
        try:
            card.delete()
        except ProtectedError:
            raise StampCardInUse(details={"stamp_card_id": str(card_id)}) from None


def _check(card: StampCard) -> None:
    card.name = card.name.strip()
    if card.counts == StampCard.Counts.VISITS:
        card.items, card.categories = [], []
    problems: dict[str, list[str]] = {}
    try:
        card.full_clean(validate_constraints=False)
    except ValidationError as error:
        problems = dict(error.message_dict)
    for name, text in _problems(card):
        problems.setdefault(name, []).append(text)
    if problems:
        raise ValidationError(problems)


def _problems(card: StampCard) -> list[tuple[str, str]]:
    found = []
    if isinstance(card.stamps_needed, int) and not 2 <= card.stamps_needed <= 100:
        found.append(("stamps_needed", _("A card has from 2 to 100 stamps.")))
    if card.reward_id is None and not card.points:
        found.append(("reward", _("Say what a full card brings: points, a reward, or both.")))
    if card.points is not None and card.points > MAX_POINTS:
        limits = {"most": f"{MAX_POINTS:,}"}
        found.append(("points", _("At most %(most)s points.") % limits))
    if card.minimum_amount is not None and card.minimum_amount < 0:
        found.append(("minimum_amount", _("The amount cannot be negative.")))
    if card.starts_on and card.ends_on and card.ends_on < card.starts_on:
        found.append(("ends_on", _("The last day is before the first.")))
    found += [
        (name, _("At most %(most)s names.") % {"most": MAX_NAMES})
        for name in ("items", "categories")
        if len(getattr(card, name)) > MAX_NAMES
    ]
    return found
