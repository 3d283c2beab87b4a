"""Changing many guests from the list: look at what will happen, confirm, take back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from customers.bulk_target import Target
from customers.errors import BulkSetChanged, BulkUndoImpossible
from customers.models import BulkOperation, Customer, Tag
from customers.selectors.bulk import HEAVY, find_operation, progress_of, running_operations
from customers.services.bulk import Skipped, effect_of, effects, fingerprint_of, may_undo, undo_bulk
from customers.services.bulk_jobs import AT_ONCE, cancel_bulk, start_bulk
from servaan_crm.accounts.permissions import P, can, require_permission_feature
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.core.features import is_enabled
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.money import format_number

SALT = "customers.bulk"
VALID_SECONDS = 3600
DONE = "bulk_done"
ICONS = {
    "add_tag": "tag",
    "remove_tag": "tag",
    "set_status": "user-circle",
    "delete": "trash",
    "message": "message",
}
REASONS: dict[str, str | Promise] = {
    "already_tagged": gettext_lazy("have the tag already"),
    "not_tagged": gettext_lazy("do not have the tag"),
    "already_so": gettext_lazy("are so already"),
    "blocked": gettext_lazy("are blocked"),
    "no_consent": gettext_lazy("do not want messages"),
    "not_found": gettext_lazy("are no longer in the book"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A button of the bulk bar."""

    action: str
    label: str | Promise
    icon: str


def choices_for(user: Any) -> list[Choice]:
    """Return what ``user`` may do to many guests in this café."""
    found = []
    for action, effect in effects().items():
        feature = "campaigns" if effect.permission == P.CAMPAIGNS_MANAGE else "crm"
        if can(user, effect.permission) and is_enabled(feature):
            found.append(Choice(action, effect.label, ICONS.get(action, "bolt")))
    return found


class _BulkView(RolePage, View):
    permission = P.CUSTOMERS_EDIT

    def allow(self, action: str) -> None:
        permission = effect_of(action).permission
        if not can(self.request.user, permission):
            raise PermissionDenied(details={"permission": str(permission)})
        require_permission_feature(permission)

    def refuse(self, error: ValidationError) -> HttpResponse:
        messages.error(self.request, " ".join(error.messages))
        return redirect("customers:list")


def target_of(data: QueryDict) -> Target:
    """Read the guests meant from a form: ``scope=all`` with ``query``, or ``ids``. Raises ValidationError."""
    if data.get("scope") == "all":
        return Target.of_query(data.get("query", ""))
    return Target.of_ids(data.getlist("ids"))


class PrepareBulk(_BulkView):
    """What will happen, to how many, and what is still to be said; a token binds the answer to this set."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("customers:list")

    def post(self, request: HttpRequest) -> HttpResponse:
        action = request.POST.get("action", "")
        try:
            self.allow(action)
            target = target_of(request.POST)
        except ValidationError as error:
            return self.refuse(error)
        return show(request, action, target)


class RunBulk(_BulkView):
    """Do what was confirmed, once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("customers:list")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            token = signing.loads(request.POST.get("token", ""), salt=SALT, max_age=VALID_SECONDS)
        except signing.BadSignature:
            return self.refuse(
                ValidationError(_("This confirmation is too old. Choose the customers again."))
            )
        if token["user"] != str(request.user.pk):
            raise PermissionDenied()
        try:
            self.allow(token["action"])
            target = target_of(request.POST)
        except ValidationError as error:
            return self.refuse(error)
        try:
            operation = start_bulk(
                actor=self.actor,
                action=token["action"],
                params=request.POST.dict(),
                matches=target.matches,
                query=target.query,
                expected=token["set"],
                bulk_id=UUID(token["bulk"]),
            )
        except ValidationError as error:
            return show(request, token["action"], target, errors=error.message_dict, status=422)
        except BulkSetChanged as error:
            return show(request, token["action"], target, changed=str(error), status=409)
        if operation.is_job:
            return redirect("customers:bulk-job", operation.pk)
        request.session[DONE] = str(operation.pk)
        return redirect(f"{reverse('customers:list')}?{target.query}")


class PreviewMessage(_BulkView):
    """What a text comes to, while it is being written."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest) -> HttpResponse:
        context: dict[str, Any] = {}
        try:
            matches = target_of(request.POST).matches
            context["size"] = effect_of("message").weigh(matches, request.POST)
        except ValidationError as error:
            context["errors"] = error.messages
        return render(request, "customers/_message_size.html", context)


class BulkJobPage(_BulkView):
    """One change in the state it is in: progress, or what came of it. htmx gets the progress alone."""

    def get(self, request: HttpRequest, bulk_id: UUID) -> HttpResponse:
        operation = find_operation(bulk_id)
        self.allow(operation.action)
        if request.headers.get("HX-Request") != "true":
            return render(request, "customers/bulk_job.html", job_context(operation))
        response = render(request, "customers/_bulk_progress.html", job_context(operation))
        if not operation.is_active:
            response["HX-Refresh"] = "true"
        return response


class CancelBulk(_BulkView):
    """Stop a large change."""

    def post(self, request: HttpRequest, bulk_id: UUID) -> HttpResponse:
        self.allow(find_operation(bulk_id).action)
        try:
            cancel_bulk(actor=self.actor, bulk_id=bulk_id)
        except BulkUndoImpossible as error:
            messages.info(request, str(error))
        return redirect("customers:bulk-job", bulk_id)


class UndoBulk(_BulkView):
    """Take an operation back."""

    def post(self, request: HttpRequest, bulk_id: UUID) -> HttpResponse:
        self.allow(find_operation(bulk_id).action)
        operation = undo_bulk(actor=self.actor, bulk_id=bulk_id)
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=204)
        if operation.is_job:
            return redirect("customers:bulk-job", operation.pk)
        words = _("Taken back for %(count)s customers.") % {"count": format_number(operation.undone)}
        messages.success(request, words)
        return redirect(f"{reverse('customers:list')}?{operation.query}")


def job_context(operation: BulkOperation) -> dict[str, Any]:
    """Return what the page and the progress of a change show."""
    effect, progress = effects().get(operation.action), progress_of(operation)
    rest = [Skipped(entry["reason"], entry["count"]) for entry in operation.skipped]
    label = effect.label if effect else operation.action
    name = operation.params.get("tag_name", "")
    return {
        "job": operation,
        "label": f"{label}: {name}" if name else label,
        "icon_name": ICONS.get(operation.action, "bolt"),
        "progress": progress,
        "skipped": skipped_words(rest),
        "not_reached": 0 if operation.undone_at else max(0, progress.total - progress.done),
        "may_undo": may_undo(operation) and operation.changed > 0,
        "may_cancel": operation.status in (BulkOperation.Status.PENDING, BulkOperation.Status.RUNNING),
    }


def under_way(user: Any) -> list[tuple[BulkOperation, str | Promise]]:
    """Return (operation, its name) of the large changes that run, of those ``user`` may see; one query."""
    if not can(user, P.CUSTOMERS_EDIT):
        return []
    known = effects()
    return [
        (operation, known[operation.action].label)
        for operation in running_operations()
        if operation.action in known and can(user, known[operation.action].permission)
    ]


def show(
    request: HttpRequest,
    action: str,
    target: Target,
    *,
    errors: dict[str, list[str]] | None = None,
    changed: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show the confirmation of ``action`` for the guests of ``target`` as they are now."""
    found = fingerprint_of(target.matches)
    token = {"action": action, "set": str(found), "user": str(request.user.pk), "bulk": str(uuid7())}
    effect = effect_of(action)
    # Who gets no message does not depend on the text, so it is shown before one is written.
    skipped = effect.preview(target.matches, {}) if action == "message" else []
    chosen = list(target.matches.order_by().values_list("pk", flat=True)) if target.asked_for else []
    context = {
        "action": action,
        "label": effect.label,
        "icon_name": ICONS.get(action, "bolt"),
        "count": found.count,
        "is_everybody": target.asked_for is None and not target.query,
        "query": target.query,
        "ids": [str(pk) for pk in chosen],
        "token": signing.dumps(token, salt=SALT),
        "skipped": skipped_words(skipped),
        "left": found.count - sum(entry.count for entry in skipped),
        "sample": list(target.matches.order_by("name")[:5]) if found.count <= 5_000 else [],
        "tags": list(Tag.objects.all()) if action.endswith("_tag") else [],
        "statuses": Customer.Status.choices,
        "given": request.POST,
        "errors": errors or {},
        "changed": changed,
        "can_undo": effect.can_undo,
        "in_background": found.count > AT_ONCE,
    }
    return render(request, "customers/bulk.html", context, status=status)


def skipped_words(skipped: list[Skipped]) -> list[tuple[int, str | Promise]]:
    """Return (count, why) of those left out."""
    return [(entry.count, REASONS.get(entry.reason, entry.reason)) for entry in skipped if entry.count]


def just_done(request: HttpRequest) -> dict[str, Any] | None:
    """Return what the last operation of this session did, to be shown once."""
    if request.headers.get("HX-Request") or DONE not in request.session:
        return None
    bulk_id = request.session.pop(DONE)
    found = BulkOperation.objects.defer(*HEAVY).filter(pk=bulk_id).first()
    if found is None:
        return None
    effect = effects().get(found.action)
    words = _("%(what)s: %(count)s customers.") % {
        "what": effect.label if effect else found.action,
        "count": format_number(found.changed),
    }
    rest = [Skipped(entry["reason"], entry["count"]) for entry in found.skipped]
    for count, why in skipped_words(rest):
        words += " " + _("%(count)s %(why)s.") % {"count": format_number(count), "why": why}
    can_undo = may_undo(found) and found.changed > 0
    return {"text": words, "undo": reverse("customers:bulk-undo", args=[found.pk]) if can_undo else ""}
