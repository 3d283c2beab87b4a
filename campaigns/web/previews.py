"""What a draft comes to, for the side of the composer: the funnel, the phone, the size and the cost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns.models import Campaign
from campaigns.selectors import CampaignPreview, Funnel, get_campaign, preview_campaign
from campaigns.web import words
from campaigns.web.drafts import Look, looked_at
from campaigns.web.forms import WhatForm, WhenForm, WhoForm
from campaigns.web.listing import CampaignPages
from segments.errors import InvalidCriteria
from servaan_crm.accounts.permissions import P


def preview_context(look: Look) -> dict[str, Any]:
    """Return the preview of a campaign as it would be, or why there is none yet."""
    try:
        found = preview_campaign(look.campaign, wanted=look.wanted, variants=look.texts)
    except InvalidCriteria as error:
        return {"problem": str(error)}
    except ValidationError as error:
        return {"text_problems": error.messages}
    return {"preview": found, "funnel": funnel_lines(found.funnel), "sizes": sizes_of(found)}


def funnel_lines(funnel: Funnel) -> list[dict[str, Any]]:
    """Return the funnel from top to bottom: how many fall out at a step, and how many are left after it."""
    left = funnel.audience
    lines = []
    steps = [(code, count) for code, count in funnel.skipped.items() if count]
    if funnel.holdout:
        steps.append(("holdout", funnel.holdout))
    for code, count in steps:
        left -= count
        lines.append({"code": code, "words": words.reason_word(code), "out": count, "left": left})
    return lines


def sizes_of(found: CampaignPreview) -> dict[str, Any]:
    """Return the size of one message in the words of the page."""
    return {"varies": found.least != found.most, "is_latin": found.encoding == "gsm7"}


class _Part(CampaignPages):
    permission = P.CAMPAIGNS_MANAGE


class AudiencePart(_Part):
    """Who would get it, while segments and conditions are being chosen."""

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            campaign = get_campaign(UUID(request.POST.get("campaign", "")))
        except ValueError:
            campaign = Campaign()
        form = WhoForm(request.POST)
        look = looked_at(campaign, form)
        context: dict[str, Any] = {"campaign": look.campaign}
        if "criteria" in form.errors:
            context["problem"] = " ".join(form.errors["criteria"])
        else:
            context |= preview_context(look)
        return render(request, "campaigns/_funnel.html", context)


class TextPart(_Part):
    """The phone with real guests, letters, parts and cost, while the text is being written."""

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = get_campaign(campaign_id)
        look = looked_at(campaign, WhatForm(request.POST, campaign=campaign))
        context = {"campaign": look.campaign, **preview_context(look)}
        return render(request, "campaigns/_phone.html", context)


class TimePart(_Part):
    """Who would get it and from when on, while the time is being chosen."""

    def post(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = get_campaign(campaign_id)
        look = looked_at(campaign, WhenForm(request.POST))
        return render(request, "campaigns/_time.html", {"campaign": look.campaign, **preview_context(look)})
