"""What belongs to one guest besides its visits, over HTTP: notes, tags, family, consent, own fields, privacy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.preconditions import expected_version
from customers.api.profile_shapes import (
    ConsentInput,
    EraseInput,
    FamilyInput,
    FamilyOutput,
    NoteInput,
    NoteOutput,
    TagInput,
    TagNames,
    TagOutput,
)
from customers.api.views import CustomerAPIView
from customers.models import Tag
from customers.privacy import everything_of
from customers.selectors import get_customer
from customers.selectors.consent import channel_states
from customers.selectors.notes import list_notes
from customers.services import update_customer
from customers.services.catalog import save_tag
from customers.services.consent import set_consent
from customers.services.custom_fields import active_fields, clean_values
from customers.services.customers import source_of
from customers.services.family import add_family_member, change_family_member, remove_family_member
from customers.services.notes import add_note, change_note, delete_note
from customers.services.privacy import erase_customer, note_export
from customers.services.tags import find_tags
from servaan_crm.accounts.permissions import P
from servaan_crm.core.pagination import paginate
from servaan_crm.core.responses import ok


class EditingView(CustomerAPIView):
    """Reads for those who see guests, writes for those who edit them."""

    permissions_by_method = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), P.CUSTOMERS_EDIT)


class NotesView(EditingView):
    """The notes of one guest."""

    @extend_schema(operation_id="customers_notes", responses={200: NoteOutput(many=True)})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List the notes, pinned ones first."""
        rows, pagination = paginate(request, list_notes(get_customer(customer_id).pk))
        return ok({"notes": NoteOutput(rows, many=True).data, "pagination": pagination})

    @extend_schema(operation_id="customers_notes_add", request=NoteInput, responses={201: NoteOutput})
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Write a note."""
        note = add_note(actor=self.actor, customer_id=customer_id, **_read(NoteInput, request))
        return ok({"note": NoteOutput(note).data}, status=201)


class NoteView(EditingView):
    """One note: only its author or a manager changes the words or deletes it."""

    @extend_schema(
        operation_id="customers_notes_change", request=NoteInput(partial=True), responses={200: NoteOutput}
    )
    def patch(self, request: Request, customer_id: UUID, note_id: UUID) -> Response:
        """Change the words, pin or unpin."""
        values = _read(NoteInput, request, partial=True)
        note = change_note(actor=self.actor, customer_id=customer_id, note_id=note_id, **values)
        return ok({"note": NoteOutput(note).data})

    @extend_schema(operation_id="customers_notes_delete", responses={200: OpenApiTypes.OBJECT})
    def delete(self, request: Request, customer_id: UUID, note_id: UUID) -> Response:
        """Delete the note."""
        delete_note(actor=self.actor, customer_id=customer_id, note_id=note_id)
        return ok({"note": {"id": str(note_id), "deleted": True}})


class FamilyMembersView(EditingView):
    """The family of one guest (the CDM guide's ``/cdm/family-members``)."""

    @extend_schema(operation_id="customers_family", responses={200: FamilyOutput(many=True)})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List the family members, oldest entry first."""
        members = get_customer(customer_id).family_members.order_by("created_at", "pk")
        return ok({"family_members": FamilyOutput(members, many=True).data})

    @extend_schema(operation_id="customers_family_add", request=FamilyInput, responses={201: FamilyOutput})
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Add a family member."""
        values = _read(FamilyInput, request)
        member = add_family_member(actor=self.actor, customer_id=customer_id, values=values)
        return ok({"family_member": FamilyOutput(member).data}, status=201)


class FamilyMemberView(EditingView):
    """One family member."""

    @extend_schema(
        operation_id="customers_family_change",
        request=FamilyInput(partial=True),
        responses={200: FamilyOutput},
    )
    def patch(self, request: Request, customer_id: UUID, member_id: UUID) -> Response:
        """Change some fields."""
        values = _read(FamilyInput, request, partial=True)
        member = change_family_member(
            actor=self.actor, customer_id=customer_id, member_id=member_id, values=values
        )
        return ok({"family_member": FamilyOutput(member).data})

    @extend_schema(operation_id="customers_family_remove", responses={200: OpenApiTypes.OBJECT})
    def delete(self, request: Request, customer_id: UUID, member_id: UUID) -> Response:
        """Remove the family member."""
        remove_family_member(actor=self.actor, customer_id=customer_id, member_id=member_id)
        return ok({"family_member": {"id": str(member_id), "deleted": True}})


class TagsView(EditingView):
    """The café's tags."""

    @extend_schema(operation_id="tags_list", responses={200: TagOutput(many=True)})
    def get(self, request: Request) -> Response:
        """List the tags by name."""
        return ok({"tags": TagOutput(Tag.objects.all(), many=True).data})

    @extend_schema(operation_id="tags_create", request=TagInput, responses={201: TagOutput})
    def post(self, request: Request) -> Response:
        """Create a tag."""
        tag = save_tag(actor=self.actor, values=_read(TagInput, request))
        return ok({"tag": TagOutput(tag).data}, status=201)


class CustomerTagsView(EditingView):
    """The tags of one guest."""

    @extend_schema(operation_id="customers_tags", request=TagNames, responses={200: TagOutput(many=True)})
    def put(self, request: Request, customer_id: UUID) -> Response:
        """Replace the guest's tags; they are named by id or name and must exist."""
        tags = find_tags(_read(TagNames, request)["tags"])
        customer = update_customer(
            actor=self.actor,
            customer_id=customer_id,
            expected_version=expected_version(request),
            changes={"tags": tags},
        )
        return ok({"tags": TagOutput(customer.tags.all(), many=True).data})


class ConsentView(EditingView):
    """Advertising: yes or no per channel."""

    @extend_schema(operation_id="customers_consent", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return what the guest says now, with when, how and by whom."""
        return ok({"consent": _consent(customer_id)})

    @extend_schema(
        operation_id="customers_consent_set", request=ConsentInput, responses={200: OpenApiTypes.OBJECT}
    )
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Write a yes or no down; a no stops what waits to be sent."""
        values = _read(ConsentInput, request)
        set_consent(actor=self.actor, customer_id=customer_id, source=source_of(self.actor), **values)
        return ok({"consent": _consent(customer_id)})


class CustomFieldsView(EditingView):
    """The café's own fields of one guest."""

    @extend_schema(operation_id="customers_custom_fields", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return the fields in use with the guest's values (null: none)."""
        return ok(_custom(get_customer(customer_id).custom))

    @extend_schema(
        operation_id="customers_custom_fields_change",
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT},
    )
    def patch(self, request: Request, customer_id: UUID) -> Response:
        """Write some values: an object of key → value; null takes a value away."""
        if not isinstance(request.data, dict):
            raise serializers.ValidationError({"non_field_errors": [_("Give an object of own fields.")]})
        cleaned, errors = clean_values(request.data)
        if errors:
            raise serializers.ValidationError(errors)
        customer = update_customer(
            actor=self.actor,
            customer_id=customer_id,
            expected_version=expected_version(request),
            changes={"custom": cleaned},
        )
        return ok(_custom(customer.custom))


class EraseView(CustomerAPIView):
    """Forget a guest for good."""

    permission = P.CUSTOMERS_ERASE

    @extend_schema(operation_id="customers_erase", request=EraseInput, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Anonymise the guest irreversibly; ``confirm`` must be true. Erasing again changes nothing."""
        _read(EraseInput, request)
        customer = erase_customer(actor=self.actor, customer_id=customer_id)
        return ok({"customer": {"id": str(customer.pk), "erased_at": customer.erased_at}})


class DataExportView(CustomerAPIView):
    """Everything known of a guest."""

    permission = P.CUSTOMERS_EXPORT

    @extend_schema(operation_id="customers_data", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return all data of the guest; who took them out is written down."""
        customer = get_customer(customer_id, deleted_too=True)
        note_export(actor=self.actor, customer_id=customer.pk)
        return ok({"data": {section.name: section.rows for section in everything_of(customer)}})


def _read(
    form: type[serializers.Serializer[Any]], request: Request, *, partial: bool = False
) -> dict[str, Any]:
    filled = form(data=request.data, partial=partial)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def _consent(customer_id: UUID) -> dict[str, Any]:
    customer = get_customer(customer_id)
    channels = [
        {
            "channel": state.code,
            "allowed": state.allowed,
            "changed_at": state.answer.at if state.answer else None,
            "source": state.answer.source if state.answer else None,
            "changed_by": state.answer.actor_name if state.answer else None,
        }
        for state in channel_states(customer)
    ]
    return {"allow_marketing": customer.allow_marketing, "channels": channels}


def _custom(stored: dict[str, Any]) -> dict[str, Any]:
    fields = active_fields()
    return {
        "custom_fields": {field.key: stored.get(field.key) for field in fields},
        "fields": [
            {"key": field.key, "label": field.label, "kind": field.kind, "choices": field.choices}
            for field in fields
        ],
    }
