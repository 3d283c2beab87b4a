"""Shapes of notes, tags, family and consent in the API."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from customers.models import Channel, CustomerNote, FamilyMember, Tag
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import DateField, PhoneField


class NoteInput(StrictSerializer):
    text = serializers.CharField(max_length=2_000)
    is_pinned = serializers.BooleanField(required=False)


class NoteOutput(serializers.ModelSerializer[CustomerNote]):
    author = serializers.CharField(source="author_name")

    class Meta:
        model = CustomerNote
        fields = ("id", "text", "is_pinned", "author", "created_at", "updated_at")


class FamilyInput(StrictSerializer):
    name = serializers.CharField(max_length=100)
    relationship = serializers.ChoiceField(choices=FamilyMember.Relationship.choices)
    date_of_birth = DateField(source="birthday", required=False, allow_null=True)
    phone = PhoneField(required=False, allow_blank=True, allow_null=True)
    address = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=1_000)
    notes = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=1_000)

    def to_internal_value(self, data: Any) -> Any:
        """An empty number is none."""
        if isinstance(data, dict) and data.get("phone") == "":
            data = {**data, "phone": None}
        return super().to_internal_value(data)


class FamilyOutput(serializers.ModelSerializer[FamilyMember]):
    date_of_birth = serializers.DateField(source="birthday", allow_null=True)
    phone = serializers.SerializerMethodField()
    address = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()

    class Meta:
        model = FamilyMember
        fields = ("id", "name", "relationship", "date_of_birth", "phone", "address", "notes", "created_at")

    def get_phone(self, member: FamilyMember) -> str | None:
        return PhoneField().to_representation(member.phone) if member.phone else None

    def get_address(self, member: FamilyMember) -> str | None:
        return member.address or None

    def get_notes(self, member: FamilyMember) -> str | None:
        return member.notes or None


class TagInput(StrictSerializer):
    name = serializers.CharField(max_length=50)
    color = serializers.RegexField(r"^#[0-9A-Fa-f]{6}$", required=False)


class TagOutput(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ("id", "name", "color")


class TagNames(StrictSerializer):
    tags = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=50, help_text=_("Ids or names of tags.")
    )


class ConsentInput(StrictSerializer):
    channel = serializers.ChoiceField(choices=[("all", _("All channels")), *Channel.choices])
    granted = serializers.BooleanField()


class EraseInput(StrictSerializer):
    confirm = serializers.BooleanField()

    def validate_confirm(self, value: bool) -> bool:
        """Erasing cannot be undone, so it is asked for in so many words."""
        if not value:
            raise serializers.ValidationError(_("Say true: erasing cannot be undone."))
        return value
