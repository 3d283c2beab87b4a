"""The rest of the book in the back office: notes, family and own fields through the services; histories to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from customers.admin_seen import SeenForm, seen_of
from customers.models import (
    ConsentChange,
    CustomerNote,
    CustomField,
    DuplicatePair,
    FamilyMember,
    ImportJob,
    MergeRecord,
)
from customers.services.custom_fields import save_custom_field
from customers.services.family import add_family_member, change_family_member
from customers.services.notes import add_note, change_note
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin


@admin.register(CustomerNote)
class CustomerNoteAdmin(ServiceAdmin):
    """Remarks of the staff."""

    list_display = ("text", "customer", "author_name", "is_pinned", "created_at")
    list_filter = ("is_pinned",)
    list_select_related = ("customer",)
    search_fields = ("text", "customer__name")
    form = SeenForm
    fields = ("customer", "text", "is_pinned", "seen")
    autocomplete_fields = ("customer",)
    ordering = ("-created_at",)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> CustomerNote:
        guest = values.pop("customer")
        values.pop("seen", None)
        return add_note(actor=request.user.actor, customer_id=guest.pk, **values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> CustomerNote:
        actor = request.user.actor  # type: ignore[union-attr]
        seen = seen_of(row, changes)
        return change_note(actor=actor, customer_id=row.customer_id, note_id=row.pk, seen=seen, **changes)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["customer"] if obj else [])]


@admin.register(FamilyMember)
class FamilyMemberAdmin(ServiceAdmin):
    """Whom a guest comes with."""

    list_display = ("name", "relationship", "customer", "birthday", "phone")
    list_filter = ("relationship",)
    list_select_related = ("customer",)
    search_fields = ("name", "customer__name")
    form = SeenForm
    fields = ("customer", "name", "relationship", "birthday", "phone", "address", "notes", "seen")
    autocomplete_fields = ("customer",)
    ordering = ("-created_at",)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> FamilyMember:
        guest = values.pop("customer")
        values.pop("seen", None)
        actor = request.user.actor  # type: ignore[union-attr]
        return add_family_member(actor=actor, customer_id=guest.pk, values=values)

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> FamilyMember:
        actor = request.user.actor  # type: ignore[union-attr]
        seen = seen_of(row, changes)
        return change_family_member(
            actor=actor, customer_id=row.customer_id, member_id=row.pk, values=changes, seen=seen
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["customer"] if obj else [])]


@admin.register(CustomField)
class CustomFieldAdmin(ServiceAdmin):
    """Fields of the café's own. Key and type stay what they were."""

    list_display = ("label", "key", "kind", "is_active", "display_order")
    list_filter = ("kind", "is_active")
    search_fields = ("label", "key")
    form = SeenForm

    def create(self, request: HttpRequest, values: dict[str, Any]) -> CustomField:
        values.pop("seen", None)
        return save_custom_field(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> CustomField:
        actor = request.user.actor  # type: ignore[union-attr]
        seen = seen_of(row, changes)
        return save_custom_field(actor=actor, values=changes, field_id=row.pk, seen=seen)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["key", "kind"] if obj else [])]


@admin.register(ConsentChange)
class ConsentChangeAdmin(ReadOnlyAdmin):
    """Who agreed to what, when and how."""

    list_display = ("at", "customer", "channel", "granted", "source", "actor_name")
    list_filter = ("channel", "granted", "source")
    list_select_related = ("customer",)
    search_fields = ("customer__name", "=customer__phone")
    ordering = ("-id",)


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    """Files taken over, and how far they are."""

    list_display = (
        "file_name",
        "kind",
        "status",
        "total_rows",
        "created",
        "updated",
        "rejected",
        "created_at",
    )
    list_filter = ("kind", "status")
    search_fields = ("file_name",)
    ordering = ("-created_at",)


@admin.register(MergeRecord)
class MergeRecordAdmin(ReadOnlyAdmin):
    """Guests that became one."""

    list_display = ("created_at", "kept", "merged", "actor_name", "undone_at")
    list_select_related = ("kept", "merged")
    search_fields = ("kept__name", "merged__name")
    ordering = ("-created_at",)


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ReadOnlyAdmin):
    """What the search for duplicates found; merged and dismissed on the page of duplicates."""

    list_display = ("first", "second", "score", "reasons", "found_at")
    list_select_related = ("first", "second")
    search_fields = ("first__name", "second__name")
    ordering = ("-score",)
