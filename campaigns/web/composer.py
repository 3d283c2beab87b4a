"""The composer: who → what → when → check. Every step is saved as a draft before the next one shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from campaigns.models import Campaign
from campaigns.selectors import get_campaign, get_template, list_templates
from campaigns.services import create_campaign, possible_actions, update_campaign
from campaigns.web import drafts, words
from campaigns.web.forms import StepForm, TestForm, WhatForm, WhenForm, WhoForm
from campaigns.web.listing import CampaignPages, version_of
from campaigns.web.previews import decision_context, preview_context
from segments.errors import InvalidCriteria
from segments.models import Segment
from segments.selectors.segments import list_segments_with_counts
from segments.web.builder import builder_data
from servaan_crm.accounts.permissions import P
from servaan_crm.core.errors import DomainError, NotFound
from servaan_crm.messaging.services.rules import get_rules

STEPS = ("who", "what", "when", "check")
STEP_WORDS = {
    "who": pgettext_lazy("step of a campaign", "Who"),
    "what": pgettext_lazy("step of a campaign", "What"),
    "when": pgettext_lazy("step of a campaign", "When"),
    "check": pgettext_lazy("step of a campaign", "Check"),
}
FORMS: dict[str, type[StepForm]] = {"who": WhoForm, "what": WhatForm, "when": WhenForm}


class ComposerPages(CampaignPages):
    """Base of the steps."""

    permission = P.CAMPAIGNS_MANAGE

    def show(self, step: str, form: Any, campaign: Campaign | None, status: int = 200) -> HttpResponse:
        """Show one step with its form."""
        context = {
            "step": step,
            "steps": [
                (number, name, STEP_WORDS[name], STEPS.index(name) < STEPS.index(step))
                for number, name in enumerate(STEPS, 1)
            ],
            "next_word": STEP_WORDS.get(STEPS[STEPS.index(step) + 1]) if step != "check" else "",
            "campaign": campaign,
            "form": form,
            "version": campaign.version if campaign else "",
            **getattr(self, f"{step}_context")(form, campaign),
        }
        return render(self.request, f"campaigns/{step}.html", context, status=status)

    def who_context(self, form: Any, campaign: Campaign | None) -> dict[str, Any]:
        rows = list_segments_with_counts()
        chosen = set(form["segments"].value() or ())

        def is_empty(row: tuple[Segment, int | None]) -> bool:
            return row[1] == 0 and row[0].key not in chosen

        look = drafts.looked_at(campaign or Campaign(), form)
        return {
            "own": [row for row in rows if not row[0].is_system],
            "built_in": [row for row in rows if row[0].is_system and not is_empty(row)],
            "empty": [row for row in rows if row[0].is_system and is_empty(row)],
            "chosen": chosen,
            "has_criteria": bool(form["criteria"].value()) and form["criteria"].value() not in ({}, "{}"),
            "builder": builder_data(Segment()),
            "begins_with": self.request.POST.get("template") or self.request.GET.get("template", ""),
            **preview_context(look),
        }

    def what_context(self, form: Any, campaign: Campaign) -> dict[str, Any]:
        look = drafts.looked_at(campaign, form)
        return {
            "shown": look.campaign,
            "types": [(code, words.TYPES[code]) for code, _label in form.fields["type"].choices],
            "gallery": list(list_templates()),
            "variables": words.variables_for_text(),
            **preview_context(look),
        }

    def when_context(self, form: Any, campaign: Campaign) -> dict[str, Any]:
        return {"rules": get_rules(), **preview_context(drafts.looked_at(campaign, form))}

    def check_context(self, form: Any, campaign: Campaign) -> dict[str, Any]:
        late = campaign.scheduled_at is not None and campaign.scheduled_at <= timezone.now()
        return {
            "is_late": late,
            "is_timed": campaign.scheduled_at is not None and not late,
            "possible": possible_actions(campaign),
            "rules": get_rules(),
            **decision_context(campaign),
        }


def step_url(campaign: Campaign, step: str) -> str:
    """Return the address of a step."""
    return reverse("campaigns:edit-step", args=[campaign.pk, step])


def errors_of(error: ValidationError) -> dict[str, list[str]]:
    """Return field → messages of what a service refused."""
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}


class NewCampaign(ComposerPages):
    """Begin a campaign: a name and its guests; ``?segment=key`` and ``?template=id`` come from other pages."""

    def get(self, request: HttpRequest) -> HttpResponse:
        key = request.GET.get("segment", "")[:100]
        segment = Segment.objects.filter(key=key, is_active=True).first() if key else None
        initial = {"segments": [segment.key] if segment else [], "criteria": {}}
        if segment:
            initial["name"] = segment.name
        return self.show("who", WhoForm(initial=initial), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WhoForm(request.POST)
        if not form.is_valid():
            return self.show("who", form, None, status=422)
        try:
            campaign = create_campaign(
                actor=self.actor, values=drafts.who_changes(form) | self.begun_with(request)
            )
        except ValidationError as error:
            form.take_errors(errors_of(error))
        except InvalidCriteria as error:
            form.add_error("criteria", str(error))
        else:
            return leave(request, campaign, "what")
        return self.show("who", form, None, status=422)

    @staticmethod
    def begun_with(request: HttpRequest) -> dict[str, Any]:
        """Return what a template gives to the draft."""
        try:
            template = get_template(UUID(request.POST.get("template", "")))
        except (ValueError, NotFound):
            return {}
        return {
            "type": template.channel, "subject": template.subject, "content": template.content,
            "provider_template": template.provider_template,
        }  # fmt: skip


class EditStep(ComposerPages):
    """One step of a draft."""

    def get(self, request: HttpRequest, campaign_id: UUID, step: str = "who") -> HttpResponse:
        campaign = get_campaign(campaign_id)
        if step not in STEPS:
            raise NotFound()
        if campaign.status != Campaign.Status.DRAFT:
            messages.info(request, _("Only a draft can be changed. A copy of it can."))
            return redirect("campaigns:detail", campaign.pk)
        if step == "check":
            return self.show("check", TestForm(), campaign)
        return self.show(
            step, FORMS[step](initial=drafts.initial_of(campaign, step), campaign=campaign), campaign
        )

    def post(self, request: HttpRequest, campaign_id: UUID, step: str = "who") -> HttpResponse:
        campaign = get_campaign(campaign_id)
        if step not in FORMS:
            raise NotFound()
        form = FORMS[step](self.given(request), campaign=campaign)
        if "use_template" in request.POST:
            return self.show(step, form, campaign)
        if not form.is_valid():
            return self.show(step, form, campaign, status=422)
        try:
            campaign = update_campaign(
                actor=self.actor,
                campaign_id=campaign_id,
                changes=self.changes(step, form, campaign),
                version=version_of(request),
            )
        except ValidationError as error:
            form.take_errors(errors_of(error))
        except InvalidCriteria as error:
            form.add_error("criteria" if step == "who" else None, str(error))
        except DomainError as error:
            form.add_error(None, str(error))
            return self.show(step, form, campaign, status=409)
        else:
            return leave(request, campaign, STEPS[STEPS.index(step) + 1])
        return self.show(step, form, campaign, status=422)

    @staticmethod
    def changes(step: str, form: Any, campaign: Campaign) -> dict[str, Any]:
        """Return what the form of ``step`` changes."""
        if step == "who":
            return drafts.who_changes(form)
        return drafts.what_changes(form, campaign) if step == "what" else drafts.when_changes(form, campaign)

    @staticmethod
    def given(request: HttpRequest) -> Any:
        """Return what was typed, with the text of a template where one was chosen (without script)."""
        if not request.POST.get("use_template"):
            return request.POST
        data = request.POST.copy()
        try:
            template = get_template(UUID(request.POST["use_template"]))
        except (ValueError, NotFound):
            return data
        data["content"], data["type"] = template.content, template.channel
        if template.subject:
            data["subject"] = template.subject
        return data


def leave(request: HttpRequest, campaign: Campaign, following: str) -> HttpResponse:
    """Go where the button says: the next step, another one, or the list."""
    wanted = request.POST.get("go", "")
    if wanted == "close":
        messages.success(request, _("The draft is saved."))
        return redirect("campaigns:list")
    return redirect(step_url(campaign, wanted if wanted in STEPS else following))
