"""The page of one campaign: what is planned, how far sending is, what it brought."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.selectors import (
    Figures,
    Funnel,
    Results,
    get_campaign,
)
from campaigns.selectors.kept import kept
from campaigns.selectors.results import results_from
from campaigns.services import possible_actions
from campaigns.services.sending import has_written
from campaigns.web import words
from campaigns.web.composer import step_url
from campaigns.web.listing import CampaignPages
from campaigns.web.previews import decision_context, funnel_lines
from loyalty.models import DiscountCode
from loyalty.selectors.codes import code_figures
from servaan_crm.messaging.services.rules import get_rules, quiet_until

S = Campaign.Status
PLANNED = frozenset({S.DRAFT, S.PENDING, S.SCHEDULED})
MOVING = frozenset({S.SENDING, S.PAUSED})
# Reports of delivery come for a while after the last message left.
STILL_REPORTING = timedelta(hours=2)
IN_QUEUE = ("waiting", "queued", "claimed")
LOST = ("failed", "undelivered", "blocked", "expired")


class CampaignPage(CampaignPages):
    """One campaign. A draft opens in the composer for those who may write it."""

    def get(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = get_campaign(campaign_id)
        if campaign.status == S.DRAFT and self.may_manage:
            is_written = campaign.content or not campaign.has_messages
            return redirect(step_url(campaign, "check" if is_written else "what"))
        context = {
            "campaign": campaign,
            "possible": possible_actions(campaign) if self.may_manage else [],
            "may_manage": self.may_manage,
            "part": "overview",
        }
        if campaign.status in PLANNED:
            context |= {
                "problem_words": words.problem_word(campaign.problem) if campaign.problem else None,
                "rules": get_rules(),
                "may_approve": self.may_approve(campaign),
                **decision_context(campaign),
            }
            return render(request, "campaigns/planned.html", context)
        context |= live_context(campaign) | result_context(campaign)
        if not campaign.has_messages and campaign.discount_code_id:
            own = DiscountCode.objects.filter(pk=campaign.discount_code_id)
            context["sold"] = code_figures(own)
        return render(request, "campaigns/detail.html", context)

    def may_approve(self, campaign: Campaign) -> bool:
        """Whether who looks is the second person, or the owner."""
        is_owner = getattr(self.request.user, "role", "") == "owner"
        return is_owner or not has_written(campaign, self.actor.user_id)


class LivePart(CampaignPages):
    """How far sending is; asks for the whole page again when the state has changed since ``?was=``."""

    def get(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        campaign = get_campaign(campaign_id)
        context = {
            "campaign": campaign,
            "possible": possible_actions(campaign) if self.may_manage else [],
            "may_manage": self.may_manage,
            **live_context(campaign),
        }
        response = render(request, "campaigns/_live.html", context)
        was = request.GET.get("was", "")
        if was and was != token_of(campaign):
            response["HX-Refresh"] = "true"
        return response


def token_of(campaign: Campaign) -> str:
    """Return what changes when another page has to be shown: the state, and what stops it."""
    return f"{campaign.status}-{campaign.problem}-{'built' if campaign.built_at else 'new'}"


def live_context(campaign: Campaign) -> dict[str, Any]:
    """Return how far sending is."""
    figures = kept(campaign, "figures")
    status = figures.by_status
    waiting = sum(status.get(state, 0) for state in IN_QUEUE)
    done = max(0, figures.targeted - waiting)
    rate = kept(campaign, "rate") if campaign.status == S.SENDING and waiting else 0.0
    ends = kept(campaign, "trial") if campaign.status in MOVING and waiting else None
    goes_on = quiet_until() if campaign.status == S.SENDING and waiting and ends is None else None
    return {
        "figures": figures,
        "token": token_of(campaign),
        "waiting": waiting,
        "done": done,
        "done_percent": done / figures.targeted * 100 if figures.targeted else 0,
        "lost": sum(status.get(state, 0) for state in LOST),
        "bar_parts": bar_parts(figures, waiting),
        "rate": rate,
        "minutes_left": max(1, round(waiting / rate)) if rate else None,
        "goes_on_at": goes_on,
        "trial_ends": ends,
        "problem_words": words.problem_word(campaign.problem) if campaign.problem else None,
        "poll": poll_of(campaign),
    }


def poll_of(campaign: Campaign) -> str:
    """Return how often the page looks again: "" once nothing changes any more."""
    if campaign.status in MOVING:
        return "2s"
    newest = campaign.sent_at
    is_fresh = newest is not None and timezone.now() - newest < STILL_REPORTING
    return "10s" if campaign.status == S.SENT and is_fresh else ""


def bar_parts(figures: Figures, waiting: int) -> list[tuple[str, float]]:
    """Return (tone, guests) of the bar of states."""
    status = figures.by_status
    return [
        ("ok", status.get("delivered", 0)),
        ("info", status.get("sent", 0)),
        ("warn", status.get("unknown", 0)),
        ("bad", sum(status.get(state, 0) for state in LOST)),
        ("mute", waiting + status.get("cancelled", 0)),
    ]


def result_context(campaign: Campaign) -> dict[str, Any]:
    """Return what the campaign brought so far."""
    figures, brought = kept(campaign, "figures"), kept(campaign, "brought")
    results = results_from(campaign, figures, brought, kept(campaign, "lift"))
    letters = list(campaign.variants.all())
    by_variant = kept(campaign, "variants") if letters else {}
    standings = {one.letter: one for one in kept(campaign, "standings")} if letters else {}
    return {
        "results": results,
        "lift": results.lift,
        "lift_drawing": lift_drawing(results),
        "variants": [(one, by_variant.get(one.key, Figures()), standings.get(one.key)) for one in letters],
        "fallen": fallen_lines(campaign),
        "metric_words": words.METRICS.get(campaign.test_metric, ""),
        "metric_head": words.METRIC_HEADS.get(campaign.test_metric, ""),
        "is_early": not results.is_final and not results.visits,
        "has_visitors": bool(results.lift and (results.lift.treated_came or results.lift.control_came)),
    }


def lift_drawing(results: Results) -> dict[str, float] | None:
    """Return the interval of the lift as places from 0 to 100, with the place of zero."""
    lift = results.lift
    if lift is None:
        return None
    reach = max(abs(lift.low), abs(lift.high), 1.0) * 1.15

    def place(value: float) -> float:
        return round(50 + value / reach * 50, 2)

    return {
        "low": place(lift.low),
        "high": place(lift.high),
        "width": round(place(lift.high) - place(lift.low), 2),
        "at": place(lift.difference),
        "size": abs(lift.difference),
    }


def fallen_lines(campaign: Campaign) -> list[dict[str, Any]]:
    """Return who fell out when the audience was fixed, step by step, as it was written down then."""
    kept = dict(campaign.funnel or {})
    if not kept:
        return []
    whole = {name: kept.pop(name, 0) for name in ("audience", "holdout", "recipients")}
    kept.pop("is_estimate", None)
    skipped = {code: count for code, count in kept.items() if isinstance(count, int)}
    return funnel_lines(Funnel(whole["audience"], skipped, whole["holdout"], whole["recipients"]))
