"""What a draft comes to, for the side of the composer: the funnel, the phone, the size and the cost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns.addresses import example_link
from campaigns.estimates import read_letters, write_out
from campaigns.models import Campaign
from campaigns.selectors import CampaignPreview, Funnel, get_campaign, preview_campaign
from campaigns.selectors.preview import Sample
from campaigns.web import words
from campaigns.web.drafts import Look, looked_at, wanted_of
from campaigns.web.forms import WhatForm, WhenForm, WhoForm
from campaigns.web.listing import CampaignPages
from segments.errors import InvalidCriteria
from servaan_crm.accounts.permissions import P
from servaan_crm.messaging.models import GatewayState
from servaan_crm.messaging.services.accounts import list_accounts
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.messaging.sms import count_parts

SHOWN = 4


def preview_context(look: Look) -> dict[str, Any]:
    """Return the preview of a campaign as it would be, or why there is none yet."""
    wanted = look.wanted or wanted_of(look.campaign)
    texts = look.texts if look.texts is not None else saved_texts(look.campaign)
    try:
        found = preview_campaign(look.campaign, wanted=wanted, variants=texts)
    except InvalidCriteria as error:
        return {"problem": str(error)}
    except ValidationError as error:
        return {"text_problems": error.messages}
    samples = found.samples[:SHOWN] + other_texts(look.campaign, texts, found)
    return {
        "preview": found,
        "is_everybody": not wanted.segments and not wanted.criteria,
        "funnel": funnel_lines(found.funnel),
        "sizes": sizes_of(found),
        "samples": samples,
    }


def decision_context(campaign: Campaign) -> dict[str, Any]:
    """Return the preview of a saved campaign with the credit there is for it."""
    context = preview_context(Look(campaign))
    found = context.get("preview")
    return context | {"account": account_of(campaign, found) if found else None}


def other_texts(campaign: Campaign, rows: list[tuple[str, str, str]], found: CampaignPreview) -> list[Sample]:
    """Return what the first guests would get of the other texts of a trial, where chance gave them none."""
    missing = [row for row in rows[1:] if row[0] not in {one.variant for one in found.samples[:SHOWN]}]
    if not missing or not found.samples:
        return []
    letters = read_letters(campaign, get_rules(), rows)
    first = found.samples[0]
    chosen = [(first.customer_id, first.recipient, row[0]) for row in missing]
    extra = {
        "link": example_link() if campaign.link_url else "",
        "code": campaign.discount_code.code if campaign.discount_code else "",
    }
    return [
        Sample(one.guest.id, one.guest.name, one.recipient, one.variant, one.text, count_parts(one.text).parts,
               one.missing)
        for one in write_out(letters, chosen, extra)
    ]  # fmt: skip


def saved_texts(campaign: Campaign) -> list[tuple[str, str, str]]:
    """Return (letter, subject, text) of the trial as it is saved."""
    if campaign._state.adding:
        return []
    return [(one.key, one.subject, one.content) for one in campaign.variants.all()]


def account_of(campaign: Campaign, found: CampaignPreview) -> dict[str, Any] | None:
    """Return the credit at the provider that would send, and what would be left of it; None when it is not known."""
    accounts = list_accounts(campaign.type) if campaign.has_messages else []
    if not accounts:
        return None
    states = GatewayState.objects.filter(account=accounts[0].key, credit__isnull=False)
    state = states.only("credit", "credit_at").first()
    if state is None or state.credit is None:
        return None
    cost = found.estimated_cost
    return {
        "credit": state.credit,
        "asked": state.credit_at,
        "after": None if cost is None else state.credit - cost,
    }


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
            context["problem"] = " ".join(map(str, form.errors["criteria"]))
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
