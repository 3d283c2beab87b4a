"""The forms of the composer: who, what, when. Each step is saved by itself."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign
from campaigns.models.campaign import CampaignType
from campaigns.selectors.pages import usable_codes
from loyalty.models import DiscountCode
from segments.models import Segment
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.forms import DigitsIntegerField, LocalDateField, PhoneField
from servaan_crm.l10n.locale import get_locale

MOST_CHARACTERS = 20_000


class CriteriaField(forms.CharField):
    """Conditions in the language of segments, as JSON; empty means none."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or "{}"
        try:
            found = json.loads(text)
        except ValueError as error:
            raise ValidationError(_("This is not JSON: %(error)s") % {"error": error}) from None
        if not isinstance(found, dict):
            raise ValidationError(_("Conditions are written in braces: { … }"))
        return found

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False, indent=1) if isinstance(value, dict) else value


class StepForm(forms.Form):
    """Base of the steps. ``campaign``: the draft that is being written, None for a new one."""

    def __init__(self, *args: Any, campaign: Campaign | None = None, **kwargs: Any) -> None:
        self.campaign = campaign
        super().__init__(*args, **kwargs)

    def take_errors(self, errors: dict[str, list[str]]) -> None:
        """Put what the service refused beside the fields; what belongs to none goes on top."""
        for name, texts in errors.items():
            field = {
                "discount_code_id": "discount_code",
                "segment_keys": "segments",
                "scheduled_at": "date",
            }.get(name, name)
            for text in texts:
                self.add_error(field if field in self.fields else None, text)


class WhoForm(StepForm):
    """Name and guests."""

    name = forms.CharField(
        label=gettext_lazy("Name of the campaign"),
        max_length=200,
        help_text=gettext_lazy("For the team; guests do not see it."),
    )
    segments = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Segments"),
        queryset=Segment.objects.filter(is_active=True),
        to_field_name="key",
        required=False,
    )
    criteria = CriteriaField(
        label=gettext_lazy("Criteria as JSON"), max_length=MOST_CHARACTERS, required=False
    )


class WhatForm(StepForm):
    """Channel and text."""

    type = forms.ChoiceField(label=gettext_lazy("Channel"), choices=CampaignType.choices)
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=200, required=False)
    content = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
    )
    provider_template = forms.CharField(
        label=gettext_lazy("Name of the approved template"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("WhatsApp sends advertising only with a text its company has approved."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )
    link_url = forms.URLField(
        label=gettext_lazy("Link"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy(
            "Becomes a short link of each guest where {{link}} stands; clicks are counted."
        ),
    )
    discount_code = forms.ModelChoiceField(
        label=gettext_lazy("Discount code"),
        queryset=DiscountCode.objects.none(),
        required=False,
        empty_label=gettext_lazy("No code"),
    )
    has_trial = forms.BooleanField(label=gettext_lazy("Try a second text"), required=False)
    content_b = forms.CharField(
        label=gettext_lazy("Second text"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
    )
    subject_b = forms.CharField(label=gettext_lazy("Second subject"), max_length=200, required=False)
    test_percent = DigitsIntegerField(
        label=gettext_lazy("Share of the guests in the trial"), min_value=1, max_value=100, required=False
    )
    test_hours = DigitsIntegerField(
        label=gettext_lazy("The trial lasts"), min_value=1, max_value=168, required=False
    )
    test_metric = forms.ChoiceField(
        label=gettext_lazy("The better text has more"), choices=Campaign.Metric.choices, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = usable_codes()
        if self.campaign is not None and self.campaign.discount_code_id:
            own = DiscountCode.objects.filter(pk=self.campaign.discount_code_id)
            codes = codes | own.select_related("customer")
        self.fields["discount_code"].queryset = codes.order_by("-created_at")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Two texts need a second one."""
        data = super().clean() or {}
        for name in ("content", "content_b"):
            data[name] = (data.get(name) or "").replace("\r\n", "\n").strip()
        if data.get("has_trial") and not data["content_b"]:
            self.add_error("content_b", _("Write the second text, or take the trial out."))
        return data


class WhenForm(StepForm):
    """Time, validity, comparison."""

    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[
            ("now", gettext_lazy("As soon as I press send")),
            ("at", gettext_lazy("At a time of my choice")),
        ],
    )
    date = LocalDateField(label=gettext_lazy("Day"), required=False)
    time = forms.CharField(
        label=gettext_lazy("Hour"),
        max_length=8,
        required=False,
        widget=forms.TextInput(attrs={"type": "time", "dir": "ltr"}),
    )
    valid_hours = DigitsIntegerField(
        label=gettext_lazy("A message is good for"),
        min_value=1,
        max_value=168,
        help_text=gettext_lazy("What could not be delivered within this time is not sent any more."),
    )
    holdout_percent = DigitsIntegerField(
        label=gettext_lazy("Left out for comparison"), min_value=0, max_value=50
    )
    attribution_days = DigitsIntegerField(
        label=gettext_lazy("A visit counts as a result for"), min_value=1, max_value=90
    )
    starts_on = LocalDateField(label=gettext_lazy("The offer starts"), required=False)
    ends_on = LocalDateField(label=gettext_lazy("The offer ends"), required=False)

    def clean_time(self) -> dt.time | None:
        """Read 18:30 in digits of any script."""
        typed = to_ascii(self.cleaned_data["time"]).strip().replace(".", ":")
        if not typed:
            return None
        try:
            hours, _colon, minutes = typed.partition(":")
            return dt.time(int(hours), int(minutes[:2] or 0))
        except ValueError:
            raise ValidationError(_("Write the time as 18:30.")) from None

    def clean(self) -> dict[str, Any]:
        """Make one instant of day and time, in the café's zone."""
        data = super().clean() or {}
        data["scheduled_at"] = None
        if data.get("when") == "at" and not self.errors:
            if not data.get("date") or not data.get("time"):
                self.add_error("date", _("Choose a day and an hour."))
            else:
                data["scheduled_at"] = dt.datetime.combine(data["date"], data["time"], get_locale().tz)
        return data


class TestForm(StepForm):
    """Where a trial message goes."""

    phone = PhoneField(label=gettext_lazy("Phone"), required=True)
