"""Changes of segments: the built-in ones, and those of the café."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from segments.errors import InvalidCriteria, SegmentInUse, SegmentLocked, SegmentNotFound
from segments.language import check_criteria, new_plan, read_criteria
from segments.language.values import fail
from segments.models import Segment, SegmentChange, SegmentMembership, SegmentsState
from segments.services.refresh import ask_for_run
from segments.system import TAKEN, SystemSegment, system_segments
from segments.uses import where_used
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.ids import uuid7
from servaan_crm.tenancy.models import Cafe

# Addresses below /segments/ that are no segment.
RESERVED_KEYS = {"preview", "schema", "runs", "new", "rfm"}
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


def create_system_segments(cafe: Cafe) -> int:
    """Bring the built-in segments of ``cafe`` in line with the code; returns how many were new or different.

    Safe to repeat: run for every new café, and each night for those that are older than a built-in segment.
    """
    changed = 0
    with transaction.atomic(), translation.override(cafe.language):
        # As everybody who changes segments: the version first, then the segments in a fixed order.
        list(SegmentsState.objects.select_for_update())
        rows = Segment.objects.select_for_update(no_key=True).order_by("pk")
        there = {segment.key: segment for segment in rows}
        for order, wanted in enumerate(system_segments(cafe)):
            key = wanted.key
            if key in there and not there[key].is_system:
                key = TAKEN + key
            changed += _put(there.get(key), key, order, wanted)
        if changed or not SegmentsState.objects.exists():
            raise_version()
    return changed


def _put(row: Segment | None, key: str, order: int, wanted: SystemSegment) -> int:
    values: dict[str, Any] = {
        "name": gettext(str(wanted.name)),
        "description": gettext(wanted.description),
        "criteria": wanted.criteria,
        "color": wanted.color,
        "display_order": order,
    }
    if row is None:
        Segment.objects.get_or_create(key=key, defaults={**values, "is_system": True})
        return 1
    if all(getattr(row, name) == value for name, value in values.items()):
        return 0
    Segment.objects.filter(pk=row.pk).update(**values, version=F("version") + 1)
    return 1


def raise_version() -> None:
    """Let every process compile the café's segments again. Called in the transaction of the change.

    The version is the time, not a count: a number that was rolled back must not come again for other segments.
    """
    version = time.time_ns()
    if not SegmentsState.objects.update(version=version):
        SegmentsState.objects.get_or_create(singleton=True, defaults={"version": version})


def save_segment(*, actor: Actor, segment: Segment, expected_version: int | None = None) -> Segment:
    """Write a segment that a person added or changed, and have it calculated when its criteria are new.

    Args:
        expected_version: the version the person saw; None skips the check.

    Raises:
        InvalidCriteria: the criteria cannot be read; names the place and what is allowed there.
        SegmentLocked: the segment is built in.
        EditConflict: somebody else changed it since ``expected_version``.
        ValidationError: a field is wrong.
    """
    with write(actor):
        # One change of segments at a time, or two could come to contain each other.
        raise_version()
        before = Segment.objects.select_for_update().filter(pk=segment.pk).first()
        if segment.is_system or (before and before.is_system):
            raise SegmentLocked(details={"segment": segment.key})
        _check_version(before, expected_version)
        _check_fields(segment, before)
        if not segment.is_static:
            others = {other.key: other for other in Segment.objects.exclude(pk=segment.pk)}
            known = others | {segment.key: segment}
            check_criteria(segment.criteria, segments=known, key=segment.key)
            if before is not None and before.criteria != segment.criteria:
                _check_others(segment, before, others)
        segment.version = before.version + 1 if before else 1
        segment.save()
        judged = ("criteria", "kind", "is_active")
        if before is None or any(getattr(before, name) != getattr(segment, name) for name in judged):
            ask_for_run("segment changed")
    return segment


def _check_others(changed: Segment, before: Segment, others: Mapping[str, Segment]) -> None:
    """Refuse what would make a segment that names this one too long or too deep to be read."""
    for other in others.values():
        if other.is_static or _reads(other, {**others, changed.key: changed}):
            continue
        if _reads(other, {**others, changed.key: before}):
            words = _("the segment “%(name)s” asks for this one and would become too long") % {
                "name": other.name
            }
            raise fail("criteria", words, [])


def _reads(segment: Segment, known: Mapping[str, Segment]) -> bool:
    try:
        read_criteria(segment.criteria, new_plan(), segments=known, key=segment.key)
    except InvalidCriteria:
        return False
    return True


def _check_version(before: Segment | None, expected: int | None) -> None:
    if before is not None and expected is not None and before.version != expected:
        raise EditConflict(details={"version": before.version, "expected_version": expected})


def _check_fields(segment: Segment, before: Segment | None) -> None:
    segment.full_clean()
    if segment.key in RESERVED_KEYS:
        raise ValidationError({"key": [_("This key is reserved; choose another one.")]})
    if before is not None and before.key != segment.key:
        raise ValidationError({"key": [_("The key of a segment cannot change.")]})
    if before is not None and before.kind != segment.kind:
        raise ValidationError({"kind": [_("A list stays a list, and criteria stay criteria.")]})
    if not _COLOR.fullmatch(segment.color):
        raise ValidationError({"color": [_("Give a colour like #2B6CB0.")]})


def create_segment(
    *, actor: Actor, values: Mapping[str, Any], members: Mapping[str, Any] | None = None
) -> Segment:
    """Add a segment; a fixed list with the guests in ``members`` (customer_ids, phones).

    Raises as :func:`save_segment`.
    """
    from segments.services.static import add_to_list

    with write(actor):
        segment = save_segment(actor=actor, segment=Segment(**values, created_by_id=actor.user_id))
        if segment.is_static:
            add_to_list(actor=actor, segment_id=segment.pk, **(members or {}))
            segment.refresh_from_db()
    return segment


def change_segment(
    *, actor: Actor, segment_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> Segment:
    """Change some fields of a segment. Raises as :func:`save_segment`, and SegmentNotFound."""
    with write(actor):
        raise_version()  # before the segment's lock, as everywhere
        segment = Segment.objects.select_for_update().filter(pk=segment_id).first()
        if segment is None:
            raise SegmentNotFound
        for name, value in changes.items():
            setattr(segment, name, value)
        return save_segment(actor=actor, segment=segment, expected_version=expected_version)


def new_key(name: str) -> str:
    """Return a free key for a segment called ``name``: its Latin letters, else a random one."""
    stem = slugify(name).replace("-", "_")[:40]
    if not stem or stem in RESERVED_KEYS:
        stem = f"segment_{uuid7().hex[-8:]}"
    taken = set(Segment.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return (
        stem
        if stem not in taken
        else next(f"{stem}_{n}" for n in range(2, 10**6) if f"{stem}_{n}" not in taken)
    )


def duplicate_segment(*, actor: Actor, segment_id: UUID, name: str = "") -> Segment:
    """Make an editable copy, also of a built-in segment; a fixed list is copied with its guests."""
    source = Segment.objects.filter(pk=segment_id).first()
    if source is None:
        raise SegmentNotFound
    name = name or (gettext("Copy of %(name)s") % {"name": source.name})[:100]
    copy = Segment(
        key=new_key(f"{source.key} copy"), name=name, description=source.description, kind=source.kind,
        criteria=source.criteria, color=source.color, icon_name=source.icon_name, is_active=True,
        display_order=source.display_order, created_by_id=actor.user_id,
    )  # fmt: skip
    with write(actor):
        save_segment(actor=actor, segment=copy)
        if source.is_static:
            _copy_members(source, copy)
    return copy


def _copy_members(source: Segment, copy: Segment) -> None:
    guests = source.memberships.values_list("customer_id", flat=True)
    rows = [SegmentMembership(segment=copy, customer_id=pk) for pk in guests.iterator(chunk_size=5000)]
    SegmentMembership.objects.bulk_create(rows, batch_size=5000)


def delete_segment(*, actor: Actor, segment_id: UUID, expected_version: int | None = None) -> Segment:
    """Delete a segment with its memberships and history.

    Raises:
        SegmentNotFound: there is none.
        SegmentLocked: it is built in.
        SegmentInUse: something uses it; the details list what.
        EditConflict: somebody else changed it since ``expected_version``.
    """
    with write(actor):
        raise_version()
        segment = Segment.objects.select_for_update().filter(pk=segment_id).first()
        if segment is None:
            raise SegmentNotFound
        if segment.is_system:
            raise SegmentLocked(details={"segment": segment.key})
        _check_version(segment, expected_version)
        if used := where_used(segment):
            listed = [{"kind": use.kind, "name": use.name, "url": use.url} for use in used]
            raise SegmentInUse(
                details={"used_by": listed}, params={"names": "، ".join(use.name for use in used[:5])}
            )
        # No reference in the database ties them to the segment, and there may be a million.
        SegmentMembership.objects.filter(segment_id=segment.pk)._raw_delete(using="default")
        SegmentChange.objects.filter(segment_id=segment.pk)._raw_delete(using="default")
        found = Segment.objects.get(pk=segment.pk)
        segment.delete()
    return found
