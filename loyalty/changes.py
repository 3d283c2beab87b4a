"""What one version of the program changed, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Field
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.models import LoyaltyProgram, Tier
from loyalty.selectors.program import bonus_terms
from loyalty.words import bonus_sentence, tier_name
from servaan_crm.l10n.jalali import format_date
from servaan_crm.l10n.money import format_money, format_number, format_percent

_NOT_SHOWN = {"version", "tiers", "bonuses", "has_stamp_cards"}
_MONEY = {"amount_per_point", "point_value", "minimum_amount", "confirm_above", "referral_minimum"}
_TIER_FIELDS = ("threshold", "multiplier", "discount_percent", "benefits")
_BONUS: dict[str, str | Promise] = {
    "added": gettext_lazy("Bonus “%(name)s” came into force"),
    "gone": gettext_lazy("Bonus “%(name)s” went out of force"),
    "changed": gettext_lazy("Bonus “%(name)s”"),
}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One changed rule; ``old`` and ``new`` are "" where there was or is nothing."""

    label: str
    old: str
    new: str


def changes_of(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], outlets: Mapping[str, str] | None = None
) -> list[RuleChange]:
    """Return what differs between two archived versions; nothing for the first one.

    Args:
        outlets: id → name, for bonus rules of certain outlets.
    """
    if before is None:
        return []
    found = [
        RuleChange(
            capfirst(str(_field(LoyaltyProgram, name).verbose_name)),
            _shown(name, before.get(name)),
            _shown(name, value),
        )
        for name, value in after.items()
        if name not in _NOT_SHOWN and name in before and before[name] != value
    ]
    money = [rules.get("tier_basis") == "lifetime_spend" for rules in (before, after)]
    found += _tier_changes(before.get("tiers", ()), after.get("tiers", ()), money)
    return found + _bonus_changes(before.get("bonuses", ()), after.get("bonuses", ()), outlets or {})


def _field(model: Any, name: str) -> Field[Any, Any]:
    field: Field[Any, Any] = model._meta.get_field(name)
    return field


def _shown(name: str, value: Any) -> str:
    if value is None:
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in _MONEY:
        return format_money(Decimal(value))
    choices = dict(_field(LoyaltyProgram, name).choices or ())
    if choices:
        return str(choices.get(value, value))
    if name in ("starts_on", "ends_on"):
        return format_date(date.fromisoformat(value), style="long")
    return format_number(Decimal(value))


def _tier_changes(old: Any, new: Any, money: list[bool]) -> list[RuleChange]:
    earlier = {tier["level"]: tier for tier in old}
    found = []
    for tier in new:
        was = earlier.get(tier["level"], {})
        for name in _TIER_FIELDS:
            if name not in was or was[name] == tier[name]:
                continue
            label = _("%(tier)s tier: %(field)s") % {
                "tier": tier_name(tier["level"]),
                "field": _field(Tier, name).verbose_name,
            }
            found.append(
                RuleChange(
                    label, _tier_value(name, was[name], money[0]), _tier_value(name, tier[name], money[1])
                )
            )
    return found


def _tier_value(name: str, value: Any, is_money: bool) -> str:
    if name == "benefits":
        return _("; ").join(value) or _("none")
    shown: Callable[[Decimal], str] = {
        "threshold": format_money if is_money else format_number,
        "multiplier": lambda number: f"×{format_number(number, places=2)}",
        "discount_percent": format_percent,
    }[name]
    return shown(Decimal(value))


def _bonus_changes(old: Any, new: Any, outlets: Mapping[str, str]) -> list[RuleChange]:
    before, after = ({rule["id"]: rule for rule in rules} for rules in (old, new))

    def told(kind: str, rule: dict[str, Any], was: str, now: str) -> RuleChange:
        return RuleChange(str(_BONUS[kind]) % {"name": rule["name"]}, was, now)

    def sentence(rule: dict[str, Any]) -> str:
        return bonus_sentence(bonus_terms(rule), outlets)

    found = [told("added", rule, "", sentence(rule)) for pk, rule in after.items() if pk not in before]
    found += [told("gone", rule, sentence(rule), "") for pk, rule in before.items() if pk not in after]
    for pk, rule in after.items():
        was = before.get(pk, rule)
        if sentence(was) != sentence(rule):
            found.append(told("changed", rule, sentence(was), sentence(rule)))
        if was["name"] != rule["name"]:
            found.append(RuleChange(_("Name of a bonus"), was["name"], rule["name"]))
    kept = [[pk for pk in rules if pk in before and pk in after] for rules in (before, after)]
    if kept[0] != kept[1]:
        names = [
            _(", ").join(side[pk]["name"] for pk in order)
            for side, order in zip((before, after), kept, strict=True)
        ]
        found.append(RuleChange(_("Order of the bonuses"), *names))
    return found
