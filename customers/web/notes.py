"""The notes tab, and the guest's tags."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views import View

from customers.models import Customer, CustomerNote, Tag
from customers.seen import seen_in, token_of
from customers.selectors import get_customer
from customers.selectors.notes import list_notes
from customers.services import update_customer
from customers.services.catalog import save_tag
from customers.services.notes import (
    MAX_LENGTH,
    add_note,
    change_note,
    delete_note,
    may_change,
    require_author,
)
from customers.services.tags import find_tags
from customers.web.tabs import TabPage
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict, NotFound, PermissionDenied

SHOWN = 200


class NotesTab(TabPage):
    """Notes, pinned ones first, with the form for a new one."""

    tab = "notes"
    template_name = "customers/tabs/notes.html"

    def context(self, customer: Customer) -> dict[str, Any]:
        notes = list(list_notes(customer.pk)[:SHOWN])
        mine = {note.pk for note in notes if may_change(self.actor, note)}
        return {"notes": notes, "mine": mine, "max_length": MAX_LENGTH}

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Write a note."""
        if not can(request.user, P.CUSTOMERS_EDIT):
            raise PermissionDenied(details={"permission": str(P.CUSTOMERS_EDIT)})
        customer = get_customer(customer_id)
        text, pinned = request.POST.get("text", ""), "is_pinned" in request.POST
        try:
            add_note(actor=self.actor, customer_id=customer.pk, text=text, is_pinned=pinned)
        except ValidationError as error:
            return self.show(customer, status=422, typed=text, error=" ".join(error.messages))
        return self.done(customer, _("The note was added."))


class WritingNotes(NotesTab):
    """Base of what changes notes."""

    permission = P.CUSTOMERS_EDIT
    http_method_names = ["post"]


class EditNote(NotesTab):
    """The form of one note in its place, and its saving."""

    permission = P.CUSTOMERS_EDIT

    def get(self, request: HttpRequest, customer_id: UUID, note_id: UUID) -> HttpResponse:  # type: ignore[override]
        customer = get_customer(customer_id)
        note = CustomerNote.objects.filter(pk=note_id, customer=customer).first()
        if note is None:
            raise NotFound(details={"note_id": str(note_id)})
        require_author(self.actor, note)
        return self.show(customer, editing=note.pk, typed=note.text, seen=token_of(note))

    def post(self, request: HttpRequest, customer_id: UUID, note_id: UUID) -> HttpResponse:  # type: ignore[override]
        customer = get_customer(customer_id)
        text = request.POST.get("text", "")
        kept = {"editing": note_id, "typed": text, "seen": request.POST.get("seen", "")}
        try:
            seen = seen_in(request.POST)
            change_note(actor=self.actor, customer_id=customer.pk, note_id=note_id, text=text, seen=seen)
        except ValidationError as error:
            return self.show(customer, status=422, error=" ".join(error.messages), **kept)
        except EditConflict as error:
            return self.show(customer, status=422, conflict=error, **kept)
        return self.done(customer, _("The note was changed."))


class PinNote(WritingNotes):
    """Pin a note to the top and to the counter's card, or take it off."""

    def post(self, request: HttpRequest, customer_id: UUID, note_id: UUID) -> HttpResponse:  # type: ignore[override]
        pinned = request.POST.get("is_pinned") == "yes"
        change_note(actor=self.actor, customer_id=customer_id, note_id=note_id, is_pinned=pinned)
        said = (
            _("The note is pinned; the counter shows it too.")
            if pinned
            else _("The note is no longer pinned.")
        )
        return self.done(get_customer(customer_id), said)


class DeleteNote(WritingNotes):
    """Delete a note."""

    def post(self, request: HttpRequest, customer_id: UUID, note_id: UUID) -> HttpResponse:  # type: ignore[override]
        delete_note(actor=self.actor, customer_id=customer_id, note_id=note_id)
        return self.done(get_customer(customer_id), _("The note was deleted."))


class SaveTags(RolePage, View):
    """Set the guest's tags from the editor on the profile; a new word becomes a tag."""

    permission = P.CUSTOMERS_EDIT

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        chosen = request.POST.getlist("tags")
        word = " ".join(request.POST.get("new_tag", "").split())[:50]
        try:
            tags = find_tags(chosen)
            if word:
                tags.append(_tag_called(word) or save_tag(actor=self.actor, values={"name": word}))
            update_customer(
                actor=self.actor, customer_id=customer_id, expected_version=_version(request),
                changes={"tags": tags},
            )  # fmt: skip
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except EditConflict as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The tags were saved."))
        return redirect("customers:detail", customer_id)


def _version(request: HttpRequest) -> int | None:
    """Return the version of the guest whose tags were shown."""
    token = request.POST.get("version", "")
    return int(token) if token.isascii() and token.isdigit() and len(token) < 10 else None


def _tag_called(word: str) -> Tag | None:
    try:
        return find_tags([word])[0]
    except ValidationError:
        return None
