"""The pages of segments: the list, one segment with its guests, who came and went, and "why"."""

from __future__ import annotations

import re
from typing import IO, Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from customers.models import Customer
from customers.selectors.search import search_customers
from segments.errors import InvalidCriteria
from segments.models import Segment, SegmentDay, SegmentRun
from segments.selectors.explain import explain
from segments.selectors.members import MemberList, list_changes, list_history
from segments.selectors.rfm import get_rfm_map
from segments.selectors.segments import get_segment, is_up_to_date, list_segments_with_counts
from segments.sentences import say as say_criteria
from segments.sentences import sentence, value_in_words
from segments.services.refresh import ask_for_run
from segments.services.segments import delete_segment, duplicate_segment
from segments.services.static import add_to_list, fill_from_file, remove_from_list
from segments.uses import where_used
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.money import format_money, format_number

PAGE = 25
SPARK_DAYS = 30
MOST_FOUND = 6


class SegmentPages(RolePage, View):
    """Base of the addresses of segments."""

    permission = P.SEGMENTS_VIEW

    def common(self, segment: Segment) -> dict[str, Any]:
        """Return what every page of one segment shows."""
        names = dict(Segment.objects.values_list("key", "name"))
        may_manage = can(self.request.user, P.SEGMENTS_MANAGE)
        return {
            "segment": segment,
            "said": None if segment.is_static else say_criteria(segment.criteria, names),
            "may_manage": may_manage,
            "may_edit": may_manage and not segment.is_system,
            "may_campaign": segment.is_active
            and can(self.request.user, P.CAMPAIGNS_MANAGE)
            and is_enabled("campaigns"),
        }


class SegmentsPage(SegmentPages):
    """All segments with their size and how it went."""

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = list_segments_with_counts(inactive_too=can(request.user, P.SEGMENTS_MANAGE))
        history = _histories()
        names = {segment.key: segment.name for segment, _count in rows}
        shown: list[dict[str, Any]] = [
            {
                "segment": segment,
                "count": count,
                "history": history.get(segment.pk, []),
                "said": None if segment.is_static else say_criteria(segment.criteria, names),
                "is_current": is_up_to_date(segment),
            }
            for segment, count in rows
        ]
        # The one at work, else the one that waits.
        run = SegmentRun.objects.filter(status__in=["pending", "running"]).order_by("-status").first()
        context = {
            "own": [row for row in shown if not row["segment"].is_system],
            "built_in": [row for row in shown if row["segment"].is_system],
            "may_manage": can(request.user, P.SEGMENTS_MANAGE),
            "run": run,
            "progress": _progress(run) if run else None,
            "last_run": SegmentRun.objects.filter(status="completed").first(),
        }
        return render(request, "segments/list.html", context)


def _progress(run: SegmentRun) -> dict[str, Any]:
    """Return how far a calculation is: percent, guests done and to do, and the seconds left once it has a pace."""
    gone = (timezone.now() - run.started_at).total_seconds() if run.started_at else 0
    rate = run.processed / gone if gone > 1 else 0
    return {
        "percent": 100 * run.processed / run.total if run.total else 0,
        "done": run.processed,
        "total": run.total,
        "remaining": round((run.total - run.processed) / rate) if rate else 0,
    }


def _histories() -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    newest = SegmentDay.objects.order_by("segment_id", "-day").values_list("segment_id", "customer_count")
    for segment_id, count in newest:
        sizes = found.setdefault(segment_id, [])
        if len(sizes) < SPARK_DAYS:
            sizes.insert(0, count)
    return found


class SegmentPage(SegmentPages):
    """One segment: what it asks for, how large it is, who is in it."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        members = MemberList(segment)
        page = Paginator(cast(Any, members), PAGE).get_page(to_ascii(request.GET.get("page", "1")))
        context = {
            **self.common(segment),
            "page": page,
            "count": page.paginator.count,
            "history": [day.customer_count for day in list_history(segment, SPARK_DAYS)],
            "is_current": is_up_to_date(segment),
            "uses": where_used(segment),
            "part": "guests",
        }
        return render(request, "segments/detail.html", context)


class ChangesPage(SegmentPages):
    """Who came into a segment and who left it."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        entered = {"in": True, "out": False}.get(request.GET.get("way", ""))
        rows = list_changes(segment, entered=entered)
        page = Paginator(rows, PAGE).get_page(to_ascii(request.GET.get("page", "1")))
        context = {**self.common(segment), "page": page, "changes": page.object_list, "part": "changes"}
        return render(request, "segments/changes.html", context)


class ExplainPart(SegmentPages):
    """Why a guest is in a segment, or is not: each condition, what it asks for, what the guest has."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        context: dict[str, Any] = {
            **self.common(segment),
            "part": "explain",
            "query": request.GET.get("q", "")[:100],
        }
        asked = _uuid(request.GET.get("guest", ""))
        chosen = Customer.objects.filter(pk=asked, deleted_at=None).first() if asked else None
        if chosen is not None:
            context["guest"] = chosen
            try:
                context["explanation"] = explain(segment, chosen)
                context["lines"] = _lines(context["explanation"].tree, 0)
            except InvalidCriteria as error:
                context["problem"] = str(error)
        elif context["query"]:
            rows = search_customers(Customer.objects.filter(deleted_at=None), context["query"])
            context["found"] = list(rows.select_related("summary")[:MOST_FOUND])
        return render(request, "segments/explain.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _lines(part: dict[str, Any], depth: int) -> list[dict[str, Any]]:
    """Return the parts of an explanation in order, each with its depth."""
    is_leaf = part["type"] == "condition"
    line = {
        "depth": min(depth, 4),
        "verdict": part["verdict"],
        "words": sentence(part["field"], part["required"]) if is_leaf else part["label"],
        "actual": _own(part) if is_leaf else None,
        "is_group": not is_leaf,
    }
    lines = [line] if depth or is_leaf else []
    for inner in part.get("parts", []):
        lines += _lines(inner, depth + 1)
    return lines


def _own(part: dict[str, Any]) -> str:
    value = part["actual"]
    if value is None or value == []:
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (int, float)):
        return (
            format_money(round(value))
            if part["unit"] == "money"
            else format_number(round(value, 1), places=1)
        )
    if isinstance(value, list):
        return _("، ").join(value_in_words(part["field"], str(item)) for item in value)
    return value_in_words(part["field"], str(value))


class DuplicateSegment(SegmentPages):
    """An editable copy, also of a built-in segment."""

    permission = P.SEGMENTS_MANAGE

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        copy = duplicate_segment(actor=self.actor, segment_id=get_segment(key).pk)
        messages.success(request, _("This is your copy; change what you like."))
        return redirect("segments:detail" if copy.is_static else "segments:edit", copy.key)


class DeleteSegment(SegmentPages):
    """Delete a segment that nothing uses."""

    permission = P.SEGMENTS_MANAGE

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        return render(request, "segments/delete.html", {**self.common(segment), "uses": where_used(segment)})

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        try:
            delete_segment(actor=self.actor, segment_id=segment.pk)
        except DomainError as error:
            messages.error(request, str(error))
            return redirect("segments:detail", key)
        messages.success(
            request, _("The segment “%(name)s” is deleted; its guests stay.") % {"name": segment.name}
        )
        return redirect("segments:list")


class Recalculate(SegmentPages):
    """Ask for a calculation of all segments."""

    permission = P.SEGMENTS_MANAGE

    def post(self, request: HttpRequest) -> HttpResponse:
        ask_for_run("on demand")
        messages.success(request, _("The segments are being calculated; the numbers follow in a moment."))
        back = request.POST.get("back", "")
        return redirect(back if back.startswith("/segments/") else "segments:list")


class ListedGuests(SegmentPages):
    """Put guests on a fixed list, or take them off: by phone numbers, or a file of them."""

    permission = P.SEGMENTS_MANAGE

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        try:
            if request.FILES.get("file"):
                file = cast(IO[bytes], request.FILES["file"])
                found = fill_from_file(actor=self.actor, segment_id=segment.pk, file=file)
            else:
                change = remove_from_list if request.POST.get("action") == "remove" else add_to_list
                typed = re.split(r"[,،;\n]", to_ascii(request.POST.get("phones", "")[:20_000]))
                wanted = [phone.strip() for phone in typed if phone.strip()]
                found = change(actor=self.actor, segment_id=segment.pk, phones=wanted)
        except DomainError as error:
            messages.error(request, str(error))
            return redirect("segments:detail", key)
        changed = ngettext("%(n)s guest changed", "%(n)s guests changed", found.changed) % {
            "n": format_number(found.changed)
        }
        messages.success(request, changed)
        if found.unknown_count:
            listed = {"n": format_number(found.unknown_count), "some": "، ".join(found.unknown[:5])}
            messages.warning(request, _("%(n)s numbers belong to nobody: %(some)s") % listed)
        return redirect("segments:detail", key)


class RfmPage(SegmentPages):
    """The RFM map: how many guests of which worth are in each group."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "segments/rfm.html", {"map": get_rfm_map()})
