"""A draft as the composer sees it: forms turned into changes, and into a campaign that is only looked at."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from campaigns.audience import Wanted
from campaigns.models import Campaign
from campaigns.web.forms import WhatForm, WhenForm, WhoForm
from segments.models import Segment
from servaan_crm.l10n.locale import get_locale

OFFER = "offer"


def who_changes(form: WhoForm) -> dict[str, Any]:
    """Return what the first step changes."""
    data = form.cleaned_data
    return {
        "name": data["name"],
        "segments": [segment.pk for segment in data["segments"]],
        "criteria": data["criteria"],
    }


def what_changes(form: WhatForm, campaign: Campaign) -> dict[str, Any]:
    """Return what the second step changes; texts of a trial beyond the second stay as they are."""
    data = form.cleaned_data
    changes = {name: data[name] for name in ("type", "subject", "content", "provider_template", "link_url")}
    changes["discount_code"] = str(data["discount_code"].pk) if data["discount_code"] else None
    changes["variants"] = []
    if data["has_trial"] and data["type"] != OFFER:
        others = list(campaign.variants.all())[2:]
        changes["variants"] = [
            {"content": data["content"], "subject": data["subject"]},
            {"content": data["content_b"], "subject": data["subject_b"]},
            *({"content": one.content, "subject": one.subject} for one in others),
        ]
        for name in ("test_percent", "test_hours", "test_metric"):
            if data.get(name):
                changes[name] = data[name]
    return changes


def when_changes(form: WhenForm, campaign: Campaign) -> dict[str, Any]:
    """Return what the third step changes."""
    data = form.cleaned_data
    if not campaign.has_messages:
        return {name: data[name] for name in ("starts_on", "ends_on")}
    names = ("scheduled_at", "valid_hours", "holdout_percent", "attribution_days")
    return {name: data[name] for name in names}


@dataclass(frozen=True, slots=True)
class Look:
    """A campaign as it would be: never saved. ``wanted`` and ``texts`` None: as they are saved."""

    campaign: Campaign
    wanted: Wanted | None = None
    texts: list[tuple[str, str, str]] | None = None


def looked_at(campaign: Campaign, form: Any) -> Look:
    """Return ``campaign`` with what stands in a half-filled form. Fields that cannot be read keep what is saved."""
    draft = copy(campaign)
    draft._state = copy(campaign._state)
    data = _read(form)
    saved = wanted_of(campaign)
    if isinstance(form, WhoForm):
        draft.criteria = data.get("criteria", draft.criteria) or {}
        segments = data.get("segments", saved.segments)
        return Look(draft, _wanted(draft, list(segments), saved.letters))
    names = _WHAT if isinstance(form, WhatForm) else _WHEN
    for name in names & data.keys():
        if data[name] is not None or name in ("discount_code", "scheduled_at"):
            setattr(draft, name, data[name])
    if not isinstance(form, WhatForm):
        return Look(draft, _wanted(draft, saved.segments, saved.letters))
    texts = []
    if data.get("has_trial") and data.get("content_b") and draft.has_messages:
        texts = [("A", draft.subject, draft.content), ("B", data.get("subject_b", ""), data["content_b"])]
    letters = tuple(letter for letter, _subject, _text in texts)
    return Look(draft, _wanted(draft, saved.segments, letters), texts)


_WHAT = {"type", "subject", "content", "provider_template", "link_url", "discount_code", "test_percent"}
_WHEN = {"scheduled_at", "valid_hours", "holdout_percent", "attribution_days"}


def _read(form: Any) -> dict[str, Any]:
    """Return what a form holds: what was typed and can be read, or what it was begun with."""
    if form.is_bound:
        form.is_valid()
        return dict(form.cleaned_data)
    data = dict(form.initial)
    if isinstance(form, WhoForm):
        data["segments"] = list(Segment.objects.filter(key__in=data.get("segments", ())))
    return data


def wanted_of(campaign: Campaign) -> Wanted:
    """Return what decides about the audience of a campaign as it is; what was prefetched is not asked for again."""
    if campaign._state.adding:
        return _wanted(campaign, [], ())
    letters = tuple(one.key for one in campaign.variants.all())
    return _wanted(campaign, list(campaign.segments.all()), letters)


def _wanted(draft: Campaign, segments: Sequence[Segment], letters: tuple[str, ...]) -> Wanted:
    return Wanted(
        draft.pk,
        draft.type,
        segments,
        draft.criteria or {},
        draft.holdout_percent,
        draft.test_percent,
        letters,
    )


def initial_of(campaign: Campaign, step: str) -> dict[str, Any]:
    """Return a campaign as the form of ``step`` shows it."""
    if step == "who":
        keys = [segment.key for segment in campaign.segments.all()]
        return {"name": campaign.name, "segments": keys, "criteria": campaign.criteria}
    if step == "what":
        variants = list(campaign.variants.all())
        second = variants[1] if len(variants) > 1 else None
        plain = ("type", "subject", "content", "provider_template", "link_url", "discount_code", "test_hours",
                 "test_metric", "test_percent")  # fmt: skip
        return {name: getattr(campaign, name) for name in plain} | {
            "has_trial": second is not None,
            "content_b": second.content if second else "",
            "subject_b": second.subject if second else "",
            "test_percent": campaign.test_percent if second else 20,
        }
    rest = ("valid_hours", "holdout_percent", "attribution_days", "starts_on", "ends_on")
    return {name: getattr(campaign, name) for name in rest} | _time_of(campaign)


def _time_of(campaign: Campaign) -> dict[str, Any]:
    if campaign.scheduled_at is None:
        return {"when": "now", "date": None, "time": ""}
    local = campaign.scheduled_at.astimezone(get_locale().tz)
    return {"when": "at", "date": local.date(), "time": f"{local:%H:%M}"}
