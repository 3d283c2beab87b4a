"""Forms of provider accounts and of the rules of sending."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.l10n.forms import DigitsInput, DigitsIntegerField, MoneyField
from servaan_crm.messaging.gateways.base import Setting
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import Channel, ProviderAccount, SendingRules
from servaan_crm.messaging.provider_templates import OPTION
from servaan_crm.messaging.services.providers import settings_of
from servaan_crm.messaging.tariff import OPERATORS

_LTR = {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}
_SECRET = forms.PasswordInput(attrs={**_LTR, "autocomplete": "new-password"})
_KEPT = _("Stored encrypted. Leave empty to keep the present one.")

OPERATOR_NAMES = {
    "mci": _("Hamrah-e Avval"),
    "irancell": _("Irancell"),
    "rightel": _("Rightel"),
    "aptel": _("Aptel"),
    "taliya": _("Taliya"),
}
_SCRIPTS = {"persian": _("Persian"), "latin": _("Latin")}


class ClockField(forms.TimeField):
    """A time of day as 21:30, in digits of any script."""

    widget = DigitsInput
    default_error_messages = {"invalid": _("Enter a time such as 21:30.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%H:%M", "%H"], **kwargs)

    def to_python(self, value: Any) -> Any:
        """Read the time. Raises ValidationError."""
        return super().to_python(to_ascii(value).strip() if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        return localize(f"{value:%H:%M}") if isinstance(value, time) else value


class ProviderForm(forms.Form):
    """One account; the middle part is made of what its adapter asks for."""

    name = forms.CharField(label=_("Name for the team"), max_length=80)
    api_key = forms.CharField(label=_("API key"), max_length=4000, required=False, widget=_SECRET)
    sender = forms.CharField(
        label=_("Sender line"), max_length=100, required=False, widget=forms.TextInput(attrs=_LTR)
    )
    base_url = forms.CharField(
        label=_("Address of the service"),
        max_length=200,
        required=False,
        widget=forms.URLInput(attrs={**_LTR, "placeholder": "https://"}),
        help_text=_("Leave empty for the provider's own address."),
    )
    priority = DigitsIntegerField(
        label=_("Order"),
        min_value=0,
        max_value=32_767,
        initial=10,
        help_text=_("The lowest number goes first."),
    )
    is_active = forms.BooleanField(label=_("Sends messages"), required=False, initial=True)
    tariff_persian = MoneyField(label=_("Price of a Persian part"), required=False)
    tariff_latin = MoneyField(label=_("Price of a Latin part"), required=False)
    rate_per_minute = DigitsIntegerField(label=_("Most in a minute"), required=False, min_value=1)
    daily_limit = DigitsIntegerField(label=_("Most in a day"), required=False, min_value=1)
    monthly_limit = DigitsIntegerField(label=_("Most in a month"), required=False, min_value=1)
    low_credit = MoneyField(label=_("Warn below this credit"), required=False)

    def __init__(
        self, data: Any = None, *, adapter: str, channel: str, row: ProviderAccount | None = None
    ) -> None:
        self.adapter, self.channel, self.row = ADAPTERS[adapter], channel, row
        super().__init__(data, initial=_initial(row))
        self.options = settings_of(adapter, channel)
        stored = json.loads(row.options or "{}") if row else {}
        for setting in self.options:
            self.fields[option_name(setting.key)] = _option_field(
                setting, has_value=bool(stored.get(setting.key))
            )
            if not setting.is_secret:
                self.initial[option_name(setting.key)] = stored.get(setting.key, "")
        if not self.adapter.takes_api_key:
            del self.fields["api_key"]
        elif row is not None and row.api_key:
            self.fields["api_key"].help_text = _KEPT
        else:
            self.fields["api_key"].required = self.adapter.needs_api_key
        self.fields["sender"].required = self.adapter.needs_sender
        if not self.adapter.has_credit:
            del self.fields["low_credit"]
        self._add_operators(row)

    def _add_operators(self, row: ProviderAccount | None) -> None:
        """Prices by operator, where the account sends SMS to Iran."""
        self.operator_names: list[str] = []
        if self.channel != Channel.SMS or "-IR" in self.adapter.countries:
            return
        stored: Mapping[str, Mapping[str, Any]] = row.operator_tariffs if row else {}
        for operator in OPERATORS:
            for script, word in _SCRIPTS.items():
                name = f"operator_{operator}_{script}"
                label = f"{OPERATOR_NAMES[operator]}, {word}"
                self.fields[name] = MoneyField(label=label, required=False)
                price = stored.get(operator, {}).get(script)
                self.initial[name] = None if price in (None, "") else _decimal(price)
                self.operator_names.append(name)

    @property
    def option_fields(self) -> list[forms.BoundField]:
        """The adapter's own fields."""
        return [self[option_name(one.key)] for one in self.options if not one.key.startswith(OPTION)]

    @property
    def template_fields(self) -> list[forms.BoundField]:
        """Names of the provider's templates."""
        return [self[option_name(one.key)] for one in self.options if one.key.startswith(OPTION)]

    @property
    def operator_fields(self) -> list[forms.BoundField]:
        """Prices by operator and script."""
        return [self[name] for name in self.operator_names]

    def values(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What the service takes: the account's fields, and the adapter's settings."""
        data = dict(self.cleaned_data)
        options = {setting.key: data.pop(option_name(setting.key)) for setting in self.options}
        tariffs: dict[str, dict[str, str]] = {}
        for name in self.operator_names:
            price = data.pop(name)
            _prefix, operator, script = name.split("_")
            if price is not None:
                tariffs.setdefault(operator, {})[script] = str(price)
        for name in ("tariff_persian", "tariff_latin"):
            data[name] = data[name] or 0
        return data | {"operator_tariffs": tariffs}, options

    def take(self, error: ValidationError) -> None:
        """Put a service's refusal beside its field."""
        for name, problems in error.message_dict.items():
            field = option_name(name.removeprefix("options.")) if name.startswith("options.") else name
            self.add_error(field if field in self.fields else None, problems)


class RulesForm(forms.Form):
    """When and how much the café writes to its guests."""

    quiet_from = ClockField(label=_("No advertising from"))
    quiet_to = ClockField(
        label=_("until"),
        help_text=_("What falls into this time waits and goes out afterwards. Equal times: no quiet time."),
    )
    cap_messages = DigitsIntegerField(
        label=_("Most offers per guest"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=_("Over all campaigns and automations. Empty: as many as there are."),
    )
    cap_days = DigitsIntegerField(label=_("within so many days"), min_value=1, max_value=90)
    rate_per_minute = DigitsIntegerField(
        label=_("Most offers in a minute"),
        required=False,
        min_value=1,
        help_text=_("So that not everybody calls at once."),
    )
    approval_above = DigitsIntegerField(
        label=_("Campaigns above so many guests need approval"), required=False, min_value=1
    )
    attribution_days = DigitsIntegerField(
        label=_("A visit within so many days is a result"), min_value=1, max_value=90
    )
    adds_opt_out_line = forms.BooleanField(label=_("Add the opt-out line to advertising"), required=False)

    @classmethod
    def of(cls, rules: SendingRules, data: Any = None) -> RulesForm:
        """The form of the rules in force."""
        return cls(data, initial={name: getattr(rules, name) for name in cls.base_fields})


def option_name(key: str) -> str:
    """A setting's key as a field's name."""
    return "option_" + key.replace(":", "_").replace("-", "_").replace(".", "_")


def _option_field(setting: Setting, *, has_value: bool) -> forms.Field:
    help_text = _KEPT if setting.is_secret and has_value else setting.help_text
    required = setting.is_required and not (setting.is_secret and has_value)
    shared: dict[str, Any] = {"label": setting.label, "required": required, "help_text": help_text}
    if setting.choices:
        return forms.ChoiceField(choices=[("", "—"), *setting.choices], **shared)
    widget = _SECRET if setting.is_secret else forms.TextInput(attrs=_LTR)
    return forms.CharField(max_length=4000, widget=widget, **shared)


def _initial(row: ProviderAccount | None) -> dict[str, Any]:
    if row is None:
        return {}
    names = (
        "name", "sender", "base_url", "priority", "is_active", "rate_per_minute", "daily_limit", "monthly_limit",
        "low_credit",
    )  # fmt: skip
    prices = {name: getattr(row, name) or None for name in ("tariff_persian", "tariff_latin")}
    return {name: getattr(row, name) for name in names} | prices


def _decimal(price: Any) -> Any:
    return forms.DecimalField().to_python(str(price))
