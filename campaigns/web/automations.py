"""The pages of automations: all of them as sentences, one with its runs, the editor, and "who would get this"."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from campaigns.automations import services
from campaigns.automations.dry_run import dry_run
from campaigns.automations.perform import ending_of
from campaigns.automations.selectors import list_automations, list_runs, reason_words, results_of
from campaigns.automations.sentences import say
from campaigns.models import Automation, AutomationRun
from campaigns.texts import AUTOMATION, compile_template, variables
from campaigns.web.automation_form import MOST_CRITERIA, by_part, chips, editor_context, read_form
from campaigns.web.listing import version_of
from segments.errors import InvalidCriteria
from segments.models import Segment
from segments.selectors.preview import preview
from segments.sentences import say as say_criteria
from segments.web.builder import builder_data
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError, EditConflict
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.messaging.sms import count_parts

PAGE = 25
EXAMPLES = 5
_LATIN = ("code", "link", "feedback_link")


class AutomationPages(RolePage, View):
    """Base of the addresses of automations."""

    permission = P.CAMPAIGNS_VIEW

    def frame(self, automation: Automation, part: str) -> dict[str, Any]:
        """Return what every page of one automation shows."""
        return {
            "automation": automation,
            "sentence": say(automation),
            "results": results_of([automation])[automation.pk],
            "attribution_days": get_rules().attribution_days,
            "may_manage": can(self.request.user, P.CAMPAIGNS_MANAGE),
            "part": part,
        }


class AutomationList(AutomationPages):
    """All automations, each as a sentence with its switch and what it brought."""

    def get(self, request: HttpRequest) -> HttpResponse:
        found = list(list_automations())
        results = results_of(found)
        names = dict(Segment.objects.values_list("key", "name"))
        rows: list[dict[str, Any]] = [
            {"automation": one, "sentence": say(one, names), "results": results[one.pk]} for one in found
        ]
        context = {
            "on": [row for row in rows if row["automation"].is_active],
            "off": [row for row in rows if not row["automation"].is_active],
            "may_manage": can(request.user, P.CAMPAIGNS_MANAGE),
            "attribution_days": get_rules().attribution_days,
        }
        return render(request, "automations/list.html", context)


class AutomationPage(AutomationPages):
    """One automation: what it says, and what it did for whom."""

    def get(self, request: HttpRequest, automation_id: UUID) -> HttpResponse:
        automation = services.get_automation(automation_id)
        state = request.GET.get("state", "")
        rows = list_runs(automation, state=state if state in AutomationRun.State.values else "")
        page = Paginator(rows, PAGE).get_page(to_ascii(request.GET.get("page", "1")))
        for run in page.object_list:
            run.words = reason_words(run.reason, run.results) if run.reason else ""  # type: ignore[attr-defined]
        context = {**self.frame(automation, "runs"), "page": page, "state": state}
        context["states"] = AutomationRun.State.choices
        return render(request, "automations/detail.html", context)


class DryRunPage(AutomationPages):
    """Who would get this today, and who not and why. Nothing is written or sent."""

    def get(self, request: HttpRequest, automation_id: UUID) -> HttpResponse:
        automation = services.get_automation(automation_id)
        context = self.frame(automation, "dry-run")
        try:
            found = dry_run(automation, sample=EXAMPLES)
        except ValidationError as error:
            context["problem"] = " ".join(error.messages)
        else:
            context["found"] = found
            context["left_out"] = [
                (reason_words(reason), count) for reason, count in found.left_out.most_common()
            ]
            context["not_them"] = [(one, reason_words(one.reason)) for one in found.left_out_sample]
        return render(request, "automations/dry_run.html", context)


class Switch(AutomationPages):
    """On or off."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, automation_id: UUID) -> HttpResponse:
        on = request.POST.get("on") == "1"
        try:
            one = services.switch_automation(actor=self.actor, automation_id=automation_id, on=on)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("automations:edit", automation_id)
        words = _("“%(name)s” is switched on.") if on else _("“%(name)s” is switched off.")
        messages.success(request, words % {"name": one.name})
        return redirect("automations:list" if request.POST.get("back") == "list" else one_url(one))


def one_url(automation: Automation) -> str:
    """Return the page of an automation."""
    return f"/automations/{automation.pk}/"


class Delete(AutomationPages):
    """Delete one that never ran."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest, automation_id: UUID) -> HttpResponse:
        one, gone = services.delete_automation(actor=self.actor, automation_id=automation_id)
        words = (
            _("“%(name)s” is deleted.")
            if gone
            else _("“%(name)s” has a history or is built in: it is switched off and stays.")
        )
        messages.success(request, words % {"name": one.name})
        return redirect("automations:list" if gone else one_url(one))


class AutomationForm(AutomationPages):
    """Base of adding and editing."""

    permission = P.CAMPAIGNS_MANAGE

    def show(
        self, automation: Automation, problems: dict[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        context = {**editor_context(automation, problems), "builder": builder_data(Segment())}
        return render(self.request, "automations/edit.html", context, status=status)

    def take(self, automation_id: UUID | None) -> HttpResponse:
        """Save what was posted, or show it again with what is wrong."""
        values = read_form(self.request.POST)
        try:
            saved = (
                services.create_automation(actor=self.actor, values=values)
                if automation_id is None
                else services.update_automation(
                    actor=self.actor,
                    automation_id=automation_id,
                    changes=values,
                    expected_version=version_of(self.request),
                )
            )
        except ValidationError as error:
            return self._again(automation_id, values, error.message_dict, 422)
        except InvalidCriteria as error:
            return self._again(automation_id, values, {"condition": [str(error)]}, 422)
        except EditConflict as error:
            return self._again(automation_id, values, {"__all__": [str(error)]}, 409)
        messages.success(self.request, _("The automation “%(name)s” is saved.") % {"name": saved.name})
        return redirect(one_url(saved))

    def _again(
        self, automation_id: UUID | None, values: dict[str, Any], problems: dict[str, Any], status: int
    ) -> HttpResponse:
        automation = services.get_automation(automation_id) if automation_id else services.new_automation({})
        for name, value in values.items():
            setattr(automation, name, value)
        if not isinstance(automation.condition, dict):
            automation.condition = {}
        return self.show(automation, problems, status)


class NewAutomation(AutomationForm):
    """Add an automation."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(services.new_automation({"trigger": Automation.Trigger.SEGMENT_ENTERED}))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.take(None)


class EditAutomation(AutomationForm):
    """Change an automation."""

    def get(self, request: HttpRequest, automation_id: UUID) -> HttpResponse:
        return self.show(services.get_automation(automation_id))

    def post(self, request: HttpRequest, automation_id: UUID) -> HttpResponse:
        return self.take(automation_id)


class SentencePart(AutomationPages):
    """The automation in hand as a sentence, its text as a guest reads it, and what is still wrong."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest) -> HttpResponse:
        automation = services.new_automation(read_form(request.POST))
        automation.key, automation.name = "in-hand", automation.name or "…"
        context: dict[str, Any] = {"problems": {}, "variables": chips(automation)}
        try:
            services.check(automation, before=None)
        except ValidationError as error:
            context["problems"] = by_part(error.message_dict)
        except DomainError as error:
            context["problems"] = {"condition": [str(error)]}
        if not context["problems"]:
            context["sentence"] = say(automation)
            context |= _reads(automation)
        return render(request, "automations/_sentence.html", context)


def _reads(automation: Automation) -> dict[str, Any]:
    """Return the text with examples in the places of its variables, and its size."""
    template = automation.template
    if not template:
        return {}
    # Codes and links are Latin wherever they stand.
    values = {
        one.name: str(one.example) if one.name in _LATIN else localize(one.example)
        for one in variables(AUTOMATION)
    }
    text = compile_template(template, AUTOMATION).render(values) + ending_of(automation)
    return {"text": text, "parts": count_parts(text).parts, "letters": len(text)}


class ConditionPart(AutomationPages):
    """How many guests meet the condition now."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("criteria", "")[:MOST_CRITERIA].strip() or "{}"
        try:
            criteria = json.loads(text)
            if criteria == {}:
                return render(request, "automations/_no_condition.html")
            found = preview(criteria)
        except ValueError:
            problem = _("The criteria are not complete yet.")
            return render(request, "segments/_preview.html", {"problem": problem})
        except InvalidCriteria as error:
            return render(request, "segments/_preview.html", {"problem": str(error)})
        names = dict(Segment.objects.values_list("key", "name"))
        return render(
            request, "segments/_preview.html", {"found": found, "said": say_criteria(criteria, names)}
        )
