"""The call list: whom to call now and why, and one tap for how it went."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views import View

from outreach.calls.errors import CallTaskEnded
from outreach.calls.selectors import count_calls, get_visible_task, list_agents, list_calls
from outreach.calls.services import CallEnd, end_call, reopen_call
from outreach.models import CallTask
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.forms import LocalDateField
from servaan_crm.l10n.jalali import DateError, format_date, local_date, parse_date

PER_PAGE = 20
Outcome, Status = CallTask.Outcome, CallTask.Status

# The outcomes as the thumb finds them: (code, word, icon).
BUTTONS = (
    (Outcome.SUCCESSFUL, gettext_lazy("Answered"), "circle-check"),
    (Outcome.NO_ANSWER, gettext_lazy("No answer"), "phone"),
    (Outcome.BUSY, pgettext_lazy("phone line", "Busy"), "clock"),
    (Outcome.FOLLOW_UP_NEEDED, pgettext_lazy("call", "Call back"), "repeat"),
    (Outcome.NOT_INTERESTED, gettext_lazy("Not interested"), "minus"),
    (Outcome.WRONG_NUMBER, gettext_lazy("Wrong number"), "x"),
)
# Nobody was reached: without another word the guest is called again tomorrow.
AGAIN = {Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FOLLOW_UP_NEEDED}
# What the list shows: what is due ("" by today), or what ended.
SHOWN = ("", "overdue", "later", "open", Status.COMPLETED, Status.SKIPPED)
TONES = {"hot": "bad", "warm": "warn", "cold": "info"}
END_TONES = {"successful": "ok", "not_interested": "warn", "wrong_number": "bad"}


class CallEndForm(forms.Form):
    """How a call ended, as it is posted."""

    status = forms.ChoiceField(choices=Status.choices, required=False)
    outcome = forms.ChoiceField(choices=[("", ""), *Outcome.choices], required=False)
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=4_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    follow_up_date = LocalDateField(label=gettext_lazy("Next call on"), required=False)


class CallDayForm(forms.Form):
    """Which day to look at."""

    date = LocalDateField(label=gettext_lazy("Due on"), required=False)


class CallPages(RolePage, View):
    """Base of the addresses of the call list."""

    permission = P.OUTREACH_WORK

    def show(self, status: int = 200, **extra: Any) -> HttpResponse:
        """Render the list for the filters of the address: the part that changes for htmx, else the page."""
        filters = self.filters()
        user, today = staff_of(self.request), local_date(timezone.now())
        page = Paginator(list_calls(user, self.asked(filters, today)), PER_PAGE).get_page(
            to_ascii(self.request.GET.get("page", "1"))
        )
        leads = can(user, P.OUTREACH_MANAGE)
        query = self.request.GET.urlencode()
        context = {
            "page": page,
            "rows": [self.card(task, today) for task in page.object_list],
            "counts": count_calls(user, today),
            "today": today,
            "filters": filters,
            "here": reverse("calls:list") + (f"?{query}" if query else ""),
            "query": query,
            "ended": [(Status.COMPLETED, Status.COMPLETED.label), (Status.SKIPPED, Status.SKIPPED.label)],
            "priorities": CallTask.Priority.choices,
            "agents": [(str(one.pk), one.display_name) for one in list_agents()] if leads else [],
            "buttons": BUTTONS,
            "day_form": CallDayForm(initial={"date": filters["date"]}, auto_id="calls_%s"),
            "kept": self.kept(filters),
            "is_narrowed": any(filters.values()),
            "may_automate": can(user, P.CAMPAIGNS_MANAGE),
            **extra,
        }  # fmt: skip
        template = "outreach/_call_results.html" if self.is_part else "outreach/calls.html"
        response = render(self.request, template, context, status=status)
        response["Vary"] = "HX-Request, HX-Target, Cookie"
        return response

    @property
    def is_part(self) -> bool:
        """Whether htmx wants the list alone."""
        headers = self.request.headers
        return headers.get("HX-Target") == "call-results" and "HX-History-Restore-Request" not in headers

    def filters(self) -> dict[str, Any]:
        """Return the filters of the address; what is not known counts as nothing."""
        given = self.request.GET
        agent = given.get("agent", "")
        return {
            "show": _one_of(given.get("show", ""), SHOWN),
            "priority": _one_of(given.get("priority", ""), CallTask.Priority.values),
            "agent": agent if agent in ("mine", "none") or _uuid(agent) else "",
            "date": _day(given.get("date", "")),
        }

    def kept(self, filters: dict[str, Any]) -> dict[str, str]:
        """Return what the choice of a day leaves as it is. A day stands for itself, whenever it is."""
        show = filters["show"] if filters["show"] in (Status.COMPLETED, Status.SKIPPED) else "open"
        return {"show": show, **{name: filters[name] for name in ("priority", "agent") if filters[name]}}

    def asked(self, filters: dict[str, Any], today: date) -> dict[str, Any]:
        """Return what the selector is asked for."""
        show, user = filters["show"], staff_of(self.request)
        spans: dict[str, dict[str, Any]] = {
            "": {"until": today},
            "overdue": {"until": today - timedelta(days=1)},
            "later": {"after": today},
        }
        wanted = {"date": filters["date"]} if filters["date"] else dict(spans.get(show, {}))
        wanted["status"] = show if show in (Status.COMPLETED, Status.SKIPPED) else Status.PENDING
        wanted["priority"] = filters["priority"] or None
        if filters["agent"] == "none":
            wanted["unassigned"] = True
        elif filters["agent"] == "mine":
            wanted["agent_id"] = user.pk
        elif filters["agent"] and can(user, P.OUTREACH_MANAGE):
            wanted["agent_id"] = UUID(filters["agent"])
        return wanted

    def card(self, task: CallTask, today: date) -> dict[str, Any]:
        """Return one call with what its card shows."""
        late = (today - task.task_date).days
        return {
            "task": task,
            "guest": task.customer,
            "summary": task.customer.summary,
            "tone": TONES[task.priority],
            "end_tone": END_TONES.get(task.outcome, "mute"),
            "days_late": late if late > 0 else 0,
            "is_today": late == 0,
            "form": CallEndForm(auto_id=f"call_{task.pk.hex[-12:]}_%s"),
        }

    def said(self, text: str, level: str = "ok", undo_url: str = "") -> HttpResponse:
        """Show the list anew with a word on what happened: in place with htmx, by a redirect without."""
        if not self.is_part:
            tell = {"ok": messages.success, "warn": messages.warning}[level]
            tell(self.request, text, extra_tags=undo_url)
            query = self.request.GET.urlencode()
            return redirect(reverse("calls:list") + (f"?{query}" if query else ""))
        response = self.show()
        toast = {"text": text, "level": level, "undo": undo_url}
        response["HX-Trigger"] = json.dumps({"servaan:toast": toast})
        return response


class CallList(CallPages):
    """The calls of the day, the most urgent first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show()


class EndCall(CallPages):
    """Note how a call went."""

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        get_visible_task(staff_of(request), task_id)
        form = CallEndForm(request.POST, auto_id=f"call_{task_id.hex[-12:]}_%s")
        if not form.is_valid():
            return self.show(status=422, wrong=task_id, wrong_form=form)
        try:
            task = end_call(actor=self.actor, task_id=task_id, end=_end_of(form.cleaned_data))
        except (CallTaskEnded, EditConflict) as error:
            return self.said(str(error), "warn")
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                form.add_error(name if name in form.fields else None, texts)
            return self.show(status=422, wrong=task_id, wrong_form=form)
        return self.said(_told(task), undo_url=reverse("calls:reopen", args=[task.pk]))


class ReopenCall(CallPages):
    """Take the end of a call back."""

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        reopen_call(actor=self.actor, task_id=task_id)
        return HttpResponse(status=204)


def _end_of(values: dict[str, Any]) -> CallEnd:
    """Return what was posted; whoever was not reached is called again tomorrow, unless another day was given."""
    follow_up = values["follow_up_date"]
    if follow_up is None and values["outcome"] in AGAIN:
        follow_up = local_date(timezone.now()) + timedelta(days=1)
    return CallEnd(
        status=values["status"] or Status.COMPLETED,
        outcome=values["outcome"],
        note=values["note"],
        follow_up_date=follow_up,
    )


def _told(task: CallTask) -> str:
    words = task.get_outcome_display() if task.outcome else task.get_status_display()
    name = task.customer.name
    if task.follow_up_date is None:
        return _("%(name)s: %(outcome)s.") % {"name": name, "outcome": words}
    day = format_date(task.follow_up_date, style="weekday")
    return _("%(name)s: %(outcome)s. The next call is on %(day)s.") % {
        "name": name,
        "outcome": words,
        "day": day,
    }


def _one_of(text: str, known: Collection[str]) -> str:
    return text if text in known else ""


def _uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _day(text: str) -> date | None:
    try:
        return parse_date(text[:30]) if text.strip() else None
    except DateError:
        return None
