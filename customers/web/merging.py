"""Duplicates, the preview of a merge, the merge and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from customers.merging.candidates import REASONS, Pair, find_pairs_of, pairs_of_rows, stored_pairs
from customers.merging.errors import MergeRefused, UndoRefused
from customers.merging.fields import LABELS, FieldResult
from customers.merging.preview import Preview, preview_merge, recent_merges
from customers.merging.scan import request_scan, scan_state
from customers.merging.services import dismiss_duplicate, merge_customers, undo_merge
from customers.models import Customer, CustomField, MergeRecord
from customers.selectors import get_customer, lookup
from customers.web.forms import DAY_PARTS
from servaan_crm.accounts.models import Outlet
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict

PAIRS_PER_PAGE = 10
_CHOICE = "choice_"


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A pair with its guests; the one with more history is offered to be kept."""

    pair: Pair
    kept: Customer
    merged: Customer


class MergingPage(RolePage, View):
    """Base: whoever may delete guests may merge them."""

    permission = P.CUSTOMERS_DELETE


class DuplicatesPage(MergingPage):
    """The pairs of the whole café, page by page, and the merges made lately."""

    def get(self, request: HttpRequest) -> HttpResponse:
        reason = request.GET.get("reason", "")
        reason = reason if reason in REASONS else ""
        if scan_state().state == "never":
            request_scan()
        page = Paginator(stored_pairs(reason), PAIRS_PER_PAGE).get_page(request.GET.get("page", "1"))
        context = {
            "page_obj": page,
            "pairs": _shown(pairs_of_rows(page.object_list)),
            "reason": reason,
            "reasons": REASONS.items(),
            "scan": scan_state(),
            "merges": recent_merges(limit=5),
        }
        return render(request, "customers/merging/list.html", context)


class LookAgain(MergingPage):
    """Search the whole book anew, in the background."""

    def post(self, request: HttpRequest) -> HttpResponse:
        request_scan()
        return redirect("customers:duplicates")


class ScanProgress(MergingPage):
    """How far the search is; the page is loaded anew once it is through."""

    def get(self, request: HttpRequest) -> HttpResponse:
        scan = scan_state()
        answer = render(request, "customers/merging/_scan.html", {"scan": scan})
        if not scan.is_active:
            answer["HX-Refresh"] = "true"
        return answer


class DuplicateHint(MergingPage):
    """A line on the profile: who may be the same person, and a merge that can still be undone."""

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = get_customer(customer_id)
        merges = [past for past in recent_merges(customer_id=customer.pk, limit=3) if not past.problem]
        context = {
            "customer": customer,
            "pairs": _shown(find_pairs_of(customer)[:3], customer),
            "merges": merges,
        }
        return render(request, "customers/merging/_hint.html", context)


class ChooseOther(MergingPage):
    """Whom to merge with: the likely ones first, anybody by search."""

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = get_customer(customer_id)
        query = request.GET.get("q", "").strip()[:100]
        found = [guest for guest in lookup(query) if guest.pk != customer.pk] if query else []
        context = {
            "customer": customer,
            "query": query,
            "found": found,
            "pairs": _shown(find_pairs_of(customer)[:10], customer),
        }
        return render(request, "customers/merging/choose.html", context)


class MergePage(MergingPage):
    """Field by field what becomes of the two, and the button that does it."""

    def get(self, request: HttpRequest, customer_id: UUID, other_id: UUID) -> HttpResponse:
        return self._show(customer_id, other_id)

    def post(self, request: HttpRequest, customer_id: UUID, other_id: UUID) -> HttpResponse:
        choices = {
            name.removeprefix(_CHOICE): str(value)
            for name, value in request.POST.items()
            if name.startswith(_CHOICE)
        }
        try:
            record = merge_customers(
                actor=self.actor,
                kept_id=customer_id,
                merged_id=other_id,
                choices=choices,
                seen=_versions(request),
            )
        except (EditConflict, MergeRefused, ValidationError) as error:
            known = {name: side for name, side in choices.items() if name in LABELS}
            return self._show(customer_id, other_id, known, problem=_words(error), status=409)
        text = _("%(merged)s is now part of %(kept)s.")
        names = {"merged": record.merged.name, "kept": record.kept.name}
        messages.success(request, text % names)
        return redirect("customers:detail", customer_id)

    def _show(
        self,
        kept_id: UUID,
        merged_id: UUID,
        choices: dict[str, str] | None = None,
        *,
        problem: str = "",
        status: int = 200,
    ) -> HttpResponse:
        try:
            preview = _preview(kept_id, merged_id, choices)
        except (MergeRefused, ValidationError) as error:
            guests = Customer.objects.filter(pk__in=(kept_id, merged_id)).order_by("pk")
            refusal = {"problem": problem or _words(error), "guests": guests}
            return render(self.request, "customers/merging/refused.html", refusal, status=409)
        rows = [_row(field, preview) for field in preview.fields]
        context: dict[str, Any] = {
            "preview": preview,
            "rows": [row for row in rows if row["field"].differs],
            "same": [row for row in rows if not row["field"].differs and not _is_empty(row["field"].kept)],
            "parts": [part for part in preview.parts if part.count],
            "problem": problem,
        }
        return render(self.request, "customers/merging/preview.html", context, status=status)


class DismissDuplicate(MergingPage):
    """These are two people."""

    def post(self, request: HttpRequest, customer_id: UUID, other_id: UUID) -> HttpResponse:
        try:
            dismiss_duplicate(actor=self.actor, first_id=customer_id, second_id=other_id)
        except ValidationError as error:
            messages.error(request, _words(error))
            return redirect("customers:duplicates")
        messages.success(
            request, _("Noted: these are two people. They will not be shown as duplicates again.")
        )
        return redirect("customers:duplicates")


class UndoMerge(MergingPage):
    """Make two of one again."""

    def post(self, request: HttpRequest, merge_id: UUID) -> HttpResponse:
        try:
            record = undo_merge(actor=self.actor, merge_id=merge_id)
        except UndoRefused as error:
            messages.error(request, str(error))
            record = MergeRecord.objects.get(pk=merge_id)
        else:
            messages.success(request, _("The merge was undone: both records are as they were."))
        return redirect("customers:detail", record.kept_id)


def _preview(kept_id: UUID, merged_id: UUID, choices: dict[str, str] | None) -> Preview:
    try:
        return preview_merge(kept_id=kept_id, merged_id=merged_id, choices=choices)
    except ValidationError:
        if choices is None:
            raise
        return preview_merge(kept_id=kept_id, merged_id=merged_id)


def _versions(request: HttpRequest) -> tuple[int, int] | None:
    """Return the versions the person saw; None when the form does not carry them."""
    given = [request.POST.get(name, "") for name in ("version", "other_version")]
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in given):
        return None
    return int(given[0]), int(given[1])


def _words(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


def _shown(pairs: list[Pair], kept: Customer | None = None) -> list[ShownPair]:
    """Load the guests of ``pairs`` with one query."""
    ids = {key for pair in pairs for key in (pair.first_id, pair.second_id)}
    guests = Customer.objects.select_related("summary").defer("search_key", "sort_key").in_bulk(ids)
    made = []
    for pair in pairs:
        both = sorted(
            (guests[pair.first_id], guests[pair.second_id]),
            key=lambda guest: (
                kept is not None and guest.pk == kept.pk,
                guest.summary.total_visits,
                guest.summary.points,
                -guest.created_at.timestamp(),
            ),
            reverse=True,
        )
        made.append(ShownPair(pair, both[0], both[1]))
    return made


def _is_empty(value: Any) -> bool:
    return value in ("", None, {}, [])


def _row(field: FieldResult, preview: Preview) -> dict[str, Any]:
    """Return one line of the preview: both values as they are shown, and the sides one may choose."""
    shown = {
        "kept": _value(field.name, field.kept, preview.kept),
        "merged": _value(field.name, field.merged, preview.merged),
    }
    sides = [
        (side, shown.get(side), side == field.source)
        for side in ("kept", "merged", "both")
        if side in field.choices
    ]
    return {
        "field": field,
        "kind": _KINDS.get(field.name, "text"),
        "kept": shown["kept"],
        "merged": shown["merged"],
        "sides": sides,
        "input": f"{_CHOICE}{field.name}",
    }


_PREFERENCES: dict[str, Any] = {
    "allergies": gettext_lazy("Allergies"),
    "favorite_drink": gettext_lazy("Favourite drink"),
    "preferred_time": gettext_lazy("Usual time"),
}
_DAY_PARTS = dict(DAY_PARTS[1:])
_KINDS = {"phone": "phone", "birthday": "date", "anniversary": "date", "created_at": "date", "email": "ltr",
          "name_english": "ltr"}  # fmt: skip


def _value(name: str, value: Any, guest: Customer) -> Any:
    if name == "gender":
        return guest.get_gender_display() if value else ""
    if name == "status":
        return guest.get_status_display()
    if name == "outlet_id":
        return Outlet.objects.filter(pk=value).values_list("name", flat=True).first() or ""
    if name == "allow_marketing":
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        labels = _own_labels(value) if name == "custom" else _PREFERENCES
        return "\n".join(
            f"{labels.get(key, key)}: {_flat(inner)}" for key, inner in value.items() if not _is_empty(inner)
        )
    return value


def _own_labels(values: dict[str, Any]) -> dict[str, Any]:
    return dict(CustomField.objects.filter(key__in=values).values_list("key", "label"))


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return _(", ").join(map(str, value))
    return str(_DAY_PARTS.get(value, value) if isinstance(value, str) else value)
