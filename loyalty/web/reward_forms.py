"""The forms of rewards and stamp cards, as people fill them in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import MenuItem
from loyalty.models import Reward, StampCard, Tier
from loyalty.web.bonus_forms import NumberField
from loyalty.words import WEEKDAYS
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.forms import DigitsIntegerField, LocalDateField, MoneyField
from servaan_crm.l10n.jalali import week_order

_CHIPS = forms.CheckboxSelectMultiple


class RewardForm(forms.Form):
    """One reward. ``picture`` is saved beside the row, by a service of its own."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=Reward.Kind.choices)
    amount = MoneyField(label=gettext_lazy("Discount"), required=False)
    percent = NumberField(
        label=gettext_lazy("Percent"), required=False, min_value=0, max_value=100, decimal_places=2
    )
    max_discount = MoneyField(label=gettext_lazy("At most"), required=False)
    item_name = forms.CharField(
        label=gettext_lazy("Free item"), required=False, max_length=100,
        widget=forms.TextInput(attrs={"list": "menu-items", "autocomplete": "off"}),
        help_text=gettext_lazy("An item of the menu is shown at its price of the day."),
    )  # fmt: skip
    points_cost = DigitsIntegerField(label=gettext_lazy("Price in points"), min_value=1, max_value=10_000_000)
    stock = DigitsIntegerField(
        label=gettext_lazy("Left in stock"), required=False, min_value=0, max_value=1_000_000_000,
        help_text=gettext_lazy("Empty: as many as you like."),
    )  # fmt: skip
    valid_from = LocalDateField(label=gettext_lazy("Offered from"), required=False)
    valid_until = LocalDateField(label=gettext_lazy("Offered until"), required=False)
    min_tier = forms.ChoiceField(label=gettext_lazy("From tier"), required=False)
    per_guest_limit = DigitsIntegerField(
        label=gettext_lazy("Most per guest"), required=False, min_value=1, max_value=30_000
    )
    voucher_days = DigitsIntegerField(
        label=gettext_lazy("A voucher is valid for (days)"), min_value=1, max_value=3650, initial=30
    )
    weekdays = forms.MultipleChoiceField(label=gettext_lazy("Weekdays"), required=False, widget=_CHIPS)
    outlets = forms.MultipleChoiceField(label=gettext_lazy("Outlets"), required=False, widget=_CHIPS)
    position = DigitsIntegerField(
        label=gettext_lazy("Place in the list"), required=False, min_value=0, max_value=30_000
    )
    is_active = forms.BooleanField(label=gettext_lazy("Offered to guests"), required=False, initial=True)
    picture = forms.FileField(
        label=gettext_lazy("Picture"), required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=gettext_lazy("JPEG, PNG or WebP, at most 5 MB."),
    )  # fmt: skip
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    stock_shown = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, reward: Reward | None = None, **kwargs: Any) -> None:
        if reward is not None:
            kwargs.setdefault("initial", _initial(reward))
        super().__init__(*args, **kwargs)
        _choices(self, "weekdays", [(str(day), WEEKDAYS[day]) for day in week_order()])
        _choices(self, "outlets", [(str(key), name) for key, name in _outlets()])
        _choices(self, "min_tier", [("", _("everybody")), *Tier.Level.choices])
        for level, label in Tier.Level.choices:
            self.fields[f"price_{level}"] = DigitsIntegerField(
                label=label, required=False, min_value=1, max_value=10_000_000
            )

    @property
    def tier_prices(self) -> list[Any]:
        """The fields of the prices for single tiers."""
        return [self[f"price_{level}"] for level in Tier.Level.values]

    def values(self) -> dict[str, Any]:
        """Return what the services take, from a form that is valid."""
        data = self.cleaned_data
        kind = data["kind"]
        value = {"amount": data["amount"], "percent": data["percent"]}.get(kind) or Decimal(0)
        same = ("name", "description", "kind", "max_discount", "item_name", "points_cost", "stock", "valid_from",
                "valid_until", "min_tier", "per_guest_limit", "voucher_days", "is_active")  # fmt: skip
        prices = {level: data[f"price_{level}"] for level in Tier.Level.values if data[f"price_{level}"]}
        return {name: data[name] for name in same} | {
            "value": value,
            "points_by_tier": prices,
            "weekdays": [int(day) for day in data["weekdays"]],
            "outlets": [UUID(key) for key in data["outlets"]],
            "position": data["position"] or 0,
        }

    def changes(self, reward: Reward) -> dict[str, Any]:
        """Return what differs from what the form showed, so that stock sold meanwhile is not put back."""
        values = self.values()
        shown = "" if values["stock"] is None else str(values["stock"])
        if shown == self.cleaned_data["stock_shown"]:
            values.pop("stock")
        return {name: value for name, value in values.items() if getattr(reward, name) != value}

    def take_errors(self, errors: dict[str, list[str]]) -> None:
        """Show a service's refusals at the fields of this form."""
        names = {"points_by_tier": "price_gold", "file": "picture"}
        if "value" in errors:
            names["value"] = "percent" if self.data.get("kind") == "percent" else "amount"
        for name, texts in errors.items():
            field = names.get(name, name)
            for text in texts:
                self.add_error(field if field in self.fields else None, text)


class StampCardForm(forms.Form):
    """One stamp card."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    counts = forms.ChoiceField(label=gettext_lazy("Stamps come"), choices=StampCard.Counts.choices)
    stamps_needed = DigitsIntegerField(
        label=gettext_lazy("Stamps for a full card"), min_value=2, max_value=100, initial=10
    )
    items = forms.CharField(
        label=gettext_lazy("Items, one per line"), required=False, max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Without items and categories every item brings a stamp."),
    )  # fmt: skip
    categories = forms.CharField(
        label=gettext_lazy("Categories, one per line"), required=False, max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    minimum_amount = MoneyField(label=gettext_lazy("Smallest bill"), required=False)
    reward = forms.ModelChoiceField(
        label=gettext_lazy("A full card brings the reward"), queryset=Reward.objects.none(), required=False,
        empty_label=gettext_lazy("no reward"),
    )  # fmt: skip
    points = DigitsIntegerField(
        label=gettext_lazy("and points"), required=False, min_value=0, max_value=10_000_000
    )
    starts_on = LocalDateField(label=gettext_lazy("Starts on"), required=False)
    ends_on = LocalDateField(label=gettext_lazy("Ends on"), required=False)
    is_active = forms.BooleanField(label=gettext_lazy("Stamps are given now"), required=False, initial=True)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, card: StampCard | None = None, **kwargs: Any) -> None:
        if card is not None:
            kwargs.setdefault("initial", _card_initial(card))
        super().__init__(*args, **kwargs)
        self.fields["reward"].queryset = Reward.objects.all()  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return what the services take, from a form that is valid."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("seen", "reward")}
        reward = self.cleaned_data["reward"]
        return data | {
            "reward_id": reward.pk if reward else None,
            "items": _lines(data["items"]),
            "categories": _lines(data["categories"]),
            "points": data["points"] or 0,
            "minimum_amount": data["minimum_amount"] or Decimal(0),
        }

    def take_errors(self, errors: dict[str, list[str]]) -> None:
        """Show a service's refusals at the fields of this form."""
        for name, texts in errors.items():
            for text in texts:
                self.add_error(name if name in self.fields else None, text)


def menu_names() -> list[str]:
    """Return what is on the menu, for the list beside the field."""
    return list(MenuItem.objects.filter(is_active=True).values_list("name", flat=True)[:300])


def _initial(reward: Reward) -> dict[str, Any]:
    names = ("name", "description", "kind", "max_discount", "item_name", "points_cost", "stock", "valid_from",
             "valid_until", "min_tier", "per_guest_limit", "voucher_days", "position", "is_active")  # fmt: skip
    return {name: getattr(reward, name) for name in names} | {
        "amount": reward.value if reward.kind == "amount" else None,
        "percent": reward.value if reward.kind == "percent" else None,
        "weekdays": [str(day) for day in reward.weekdays],
        "outlets": [str(key) for key in reward.outlets],
        "seen": reward.updated_at.isoformat(),
        "stock_shown": "" if reward.stock is None else str(reward.stock),
        **{f"price_{level}": points for level, points in reward.points_by_tier.items()},
    }


def _card_initial(card: StampCard) -> dict[str, Any]:
    names = ("name", "counts", "stamps_needed", "points", "starts_on", "ends_on", "is_active")
    return {name: getattr(card, name) for name in names} | {
        "minimum_amount": card.minimum_amount or None,
        "items": "\n".join(card.items),
        "categories": "\n".join(card.categories),
        "reward": card.reward_id,
        "seen": card.updated_at.isoformat(),
    }


def seen_at(text: str) -> datetime | None:
    """Return the moment a form was made from; None when it is not readable."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is not None and timezone.is_aware(moment) else None


def _choices(form: forms.Form, name: str, choices: Iterable[tuple[str, Any]]) -> None:
    form.fields[name].choices = list(choices)  # type: ignore[attr-defined]


def _outlets() -> list[tuple[UUID, str]]:
    outlets = list(Outlet.objects.filter(is_active=True).values_list("pk", "name"))
    return outlets if len(outlets) > 1 else []


def _lines(text: str) -> list[str]:
    return [" ".join(line.split())[:100] for line in text.splitlines() if line.strip()]
