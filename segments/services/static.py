"""Fixed lists: guests put in and taken out by hand, by id, by number or from a file of numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer
from segments.errors import NotAList, SegmentNotFound
from segments.models import Segment, SegmentMembership
from segments.services.guest import note_changes
from segments.services.refresh import ask_for_run
from segments.uses import where_used
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone

BATCH = 2000
MOST_UNKNOWN = 100
MOST_BYTES = 20 * 1024 * 1024


@dataclass(slots=True)
class Listed:
    """What became of what was sent: guests that changed, and numbers or ids nobody has (the first hundred of them)."""

    changed: int = 0
    already: int = 0
    unknown_count: int = 0
    unknown: list[str] = field(default_factory=list)

    def miss(self, word: str) -> None:
        """Note something that leads to no guest."""
        self.unknown_count += 1
        if len(self.unknown) < MOST_UNKNOWN:
            self.unknown.append(word[:40])


def add_to_list(
    *, actor: Actor, segment_id: UUID, customer_ids: Iterable[UUID] = (), phones: Iterable[str] = ()
) -> Listed:
    """Put guests on a fixed list. Raises SegmentNotFound, NotAList."""
    return _change(actor, segment_id, customer_ids, phones, adding=True)


def remove_from_list(
    *, actor: Actor, segment_id: UUID, customer_ids: Iterable[UUID] = (), phones: Iterable[str] = ()
) -> Listed:
    """Take guests off a fixed list. Raises SegmentNotFound, NotAList."""
    return _change(actor, segment_id, customer_ids, phones, adding=False)


def fill_from_file(*, actor: Actor, segment_id: UUID, file: IO[bytes]) -> Listed:
    """Put the guests of a CSV on a fixed list: the first column that holds a number, whatever the others are.

    The file is read as it comes, never whole. Raises ValidationError when it is too large or no text.
    """
    return _change(actor, segment_id, (), numbers_of(file), adding=True)


def numbers_of(file: IO[bytes]) -> Iterator[str]:
    """Return the phone of each line of a CSV; a heading and empty lines are left out."""
    size = getattr(file, "size", 0) or 0
    if size > MOST_BYTES:
        raise ValidationError({"file": [_("The file is larger than 20 MB.")]})
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        for place, row in enumerate(csv.reader(text)):
            cells = [cell.strip() for cell in row if cell.strip()]
            found = next((cell for cell in cells if _looks_like_number(cell)), None)
            if found is not None:
                yield found
            elif cells and place:
                yield cells[0]
    except (UnicodeDecodeError, csv.Error):
        raise ValidationError({"file": [_("The file is no CSV in UTF-8.")]}) from None
    finally:
        text.detach()


def _looks_like_number(cell: str) -> bool:
    return sum(char.isdigit() for char in to_ascii(cell)) >= 7


def _change(
    actor: Actor, segment_id: UUID, ids: Iterable[UUID], phones: Iterable[str], *, adding: bool
) -> Listed:
    found = Listed()
    with write(actor):
        segment = Segment.objects.select_for_update(no_key=True).filter(pk=segment_id).first()
        if segment is None:
            raise SegmentNotFound
        if not segment.is_static:
            raise NotAList(details={"segment": segment.key})
        _each_batch(segment, iter(ids), _by_id, found, adding)
        _each_batch(segment, iter(phones), _by_phone, found, adding)
        now = timezone.now()
        count = segment.memberships.filter(customer__deleted_at=None).count()
        Segment.objects.filter(pk=segment.pk).update(customer_count=count, last_calculated_at=now)
        if found.changed and where_used(segment):
            ask_for_run("list changed")
    return found


def _each_batch(
    segment: Segment,
    given: Iterator[Any],
    find: Callable[[Any, Listed], list[UUID]],
    found: Listed,
    adding: bool,
) -> None:
    while batch := list(islice(given, BATCH)):
        guests = find(batch, found)
        changed = _insert(segment, guests) if adding else _remove(segment, guests)
        found.changed += len(changed)
        found.already += len(guests) - len(changed)
        note_changes([(segment.pk, pk, adding) for pk in changed])


def _by_id(ids: Sequence[UUID], found: Listed) -> list[UUID]:
    wanted = list(dict.fromkeys(ids))
    there = set(Customer.objects.filter(pk__in=wanted, deleted_at=None).values_list("pk", flat=True))
    for pk in wanted:
        if pk not in there:
            found.miss(str(pk))
    return sorted(there)


def _by_phone(words: Sequence[str], found: Listed) -> list[UUID]:
    region = get_locale().phone_region
    phones: dict[str, str] = {}
    for word in words:
        try:
            phones.setdefault(parse_phone(word, region), word)
        except PhoneError:
            found.miss(word)
    rows = Customer.objects.filter(phone__in=list(phones), deleted_at=None).values_list("phone", "pk")
    there = dict(rows)
    for phone, word in phones.items():
        if phone not in there:
            found.miss(word)
    return sorted(there.values())


def _insert(segment: Segment, guests: Sequence[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO segments_segmentmembership (segment_id, customer_id, entered_at)"
            " SELECT %s, id, now() FROM unnest(%s::uuid[]) AS id ORDER BY id ON CONFLICT DO NOTHING"
            " RETURNING customer_id",
            [segment.pk, list(guests)],
        )
        return [row[0] for row in cursor.fetchall()]


def _remove(segment: Segment, guests: Sequence[UUID]) -> list[UUID]:
    rows = SegmentMembership.objects.filter(segment=segment, customer_id__in=guests)
    there = list(rows.values_list("customer_id", flat=True))
    rows.delete()
    return there
