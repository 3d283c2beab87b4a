"""The wire format of segments."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from customers.api.serializers import customer_payload
from customers.models import Customer
from customers.selectors.customers import SORTS
from segments.models import Segment, SegmentChange, SegmentRun
from segments.selectors import count_members, is_up_to_date, live_counts
from segments.selectors.explain import Explanation
from segments.selectors.members import ENTERED
from segments.selectors.preview import DEFAULT_SAMPLE, MOST_SAMPLE, Preview
from segments.services import Listed
from segments.system import group_of_key, said
from segments.uses import where_used
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import DateField
from servaan_crm.tenancy.current import get_cafe

MOST_LISTED = 1000


def segment_payload(segment: Segment, count: int | None) -> dict[str, Any]:
    """Return one segment as seed 000 prints it; ``id`` is its key. ``count`` None: not calculated yet."""
    name, description = segment.name, segment.description
    if segment.is_system:
        name, description = said(segment.key, name, description, get_cafe())
    return {
        "id": segment.key,
        "name": name,
        "description": description,
        "count": count,
        "criteria": segment.criteria,
    }


def detail_payload(segment: Segment) -> dict[str, Any]:
    """Return one segment with everything the list leaves out."""
    fresh = is_up_to_date(segment)
    count: int | None = count_members(segment.pk).get(segment.pk, 0)
    if not fresh and segment.is_active:
        count = live_counts([segment]).get(segment.pk, count)
    return {
        **segment_payload(segment, count),
        "uuid": str(segment.pk),
        "kind": segment.kind,
        "is_system": segment.is_system,
        "group": group_of_key(segment.key) if segment.is_system else "",
        "is_active": segment.is_active,
        "color": segment.color,
        "icon_name": segment.icon_name,
        "display_order": segment.display_order,
        "version": segment.version,
        "is_up_to_date": fresh,
        "last_calculated_at": segment.last_calculated_at,
        "problem": segment.problem,
        "used_by": [{"kind": use.kind, "name": use.name, "url": use.url} for use in where_used(segment)],
        "created_at": segment.created_at,
        "updated_at": segment.updated_at,
    }


def member_payload(customer: Customer) -> dict[str, Any]:
    """Return a guest of a segment: the customer object and since when."""
    return {**customer_payload(customer), "entered_at": customer.entered_at}  # type: ignore[attr-defined]


def change_payload(change: SegmentChange) -> dict[str, Any]:
    """Return who came or left, and when."""
    return {"customer": customer_payload(change.customer), "entered": change.entered, "at": change.at}


def run_payload(run: SegmentRun) -> dict[str, Any]:
    """Return a calculation: ``total`` guests whose segments have to change, ``processed`` of them done."""
    names = (
        "status", "reason", "total", "processed", "entered", "left", "error", "created_at", "started_at", "finished_at"
    )  # fmt: skip
    return {"id": str(run.pk), **{name: getattr(run, name) for name in names}}


def preview_payload(found: Preview) -> dict[str, Any]:
    """Return a preview as the contract prints it."""
    sample = [customer_payload(row) for row in found.sample]
    return {"count": found.count, "is_estimate": found.is_estimate, "sample": sample}


def explanation_payload(segment: Segment, customer: Customer, found: Explanation) -> dict[str, Any]:
    """Return why a guest is in a segment or not."""
    return {
        "segment": segment.key,
        "customer_id": str(customer.pk),
        "verdict": found.verdict,
        "is_member": found.is_member,
        "entered_at": found.entered_at,
        "explanation": found.tree,
    }


def listed_payload(found: Listed) -> dict[str, Any]:
    """Return what became of the guests that were sent to a list."""
    return {
        "changed": found.changed,
        "already": found.already,
        "unknown_count": found.unknown_count,
        "unknown": found.unknown,
    }


class GuestsSerializer(StrictSerializer):
    """Guests by id or by number."""

    customer_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MOST_LISTED, default=list
    )
    phones = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=MOST_LISTED, default=list
    )


class SegmentSerializer(StrictSerializer):
    """The body of POST, and of PATCH (partial)."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    criteria = serializers.JSONField(required=False)
    is_active = serializers.BooleanField(required=False)
    color = serializers.RegexField(r"^#[0-9A-Fa-f]{6}$", required=False)
    icon_name = serializers.CharField(required=False, allow_blank=True, max_length=50)
    display_order = serializers.IntegerField(required=False, min_value=0, max_value=32_000)
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The version you saw; PATCH alone."
    )


class NewSegmentSerializer(SegmentSerializer):
    """The body of POST."""

    key = serializers.SlugField(required=False, max_length=50)
    kind = serializers.ChoiceField(Segment.Kind.choices, default="dynamic")
    members = GuestsSerializer(required=False, help_text="The guests of a fixed list.")


class MembersSerializer(StrictSerializer):
    """Guests to put on a fixed list and to take off it."""

    add = GuestsSerializer(required=False)
    remove = GuestsSerializer(required=False)


class PreviewSerializer(StrictSerializer):
    """Criteria to try."""

    criteria = serializers.JSONField()
    sample = serializers.IntegerField(min_value=0, max_value=MOST_SAMPLE, default=DEFAULT_SAMPLE)


class DuplicateSerializer(StrictSerializer):
    """How the copy is called."""

    name = serializers.CharField(required=False, max_length=100, default="")


class NothingSerializer(StrictSerializer):
    """A body without fields."""


class MembersQuery(serializers.Serializer[None]):
    """The query of a segment's guests."""

    sort = serializers.ChoiceField([ENTERED, *SORTS], default=ENTERED)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")


class ChangesQuery(serializers.Serializer[None]):
    """The query of the comings and goings; days are the café's, both included."""

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of Python and no attribute."""
        return {
            "entered": serializers.BooleanField(required=False, allow_null=True, default=None),
            "from": DateField(required=False),
            "to": DateField(required=False),
        }


class HistoryQuery(serializers.Serializer[None]):
    """How many days back."""

    days = serializers.IntegerField(min_value=1, max_value=1100, default=90)


def check_kind(values: dict[str, Any]) -> None:
    """Refuse a list with criteria, and criteria with guests. Raises ValidationError."""
    if values["kind"] == Segment.Kind.STATIC and values.get("criteria"):
        raise ValidationError({"criteria": [_("A fixed list has no criteria.")]})
    if values["kind"] == Segment.Kind.DYNAMIC and values.get("members"):
        raise ValidationError({"members": [_("Only a fixed list takes guests by hand.")]})
    if values["kind"] == Segment.Kind.DYNAMIC and "criteria" not in values:
        raise ValidationError({"criteria": [_("This field is required.")]})
