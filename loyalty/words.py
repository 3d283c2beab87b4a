"""The rules of the club in words: bonus rules as sentences, and how points came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Visit
from loyalty.models import Tier
from loyalty.rules import BonusTerms
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.jalali import format_date, week_order
from servaan_crm.l10n.money import format_money, format_number

# By date.weekday(): Monday is 0.
WEEKDAYS: tuple[str | Promise, ...] = (
    gettext_lazy("Mondays"), gettext_lazy("Tuesdays"), gettext_lazy("Wednesdays"), gettext_lazy("Thursdays"),
    gettext_lazy("Fridays"), gettext_lazy("Saturdays"), gettext_lazy("Sundays"),
)  # fmt: skip
ROUNDING: dict[str, str | Promise] = {
    "down": gettext_lazy("rounded down"),
    "nearest": gettext_lazy("rounded to the nearest"),
    "up": gettext_lazy("rounded up"),
}
# Why a bonus rule gave nothing, by the condition of ``rules.unmet``.
LEFT_OUT: dict[str, str | Promise] = {
    "dates": gettext_lazy("not on this date"),
    "weekdays": gettext_lazy("not on this day of the week"),
    "hours": gettext_lazy("not at this hour"),
    "items": gettext_lazy("none of its items is on the bill"),
    "visit_types": gettext_lazy("not for this type of visit"),
    "outlets": gettext_lazy("not in this outlet"),
    "tiers": gettext_lazy("not for this tier"),
    "minimum_amount": gettext_lazy("the bill is too small"),
    "first_visit": gettext_lazy("not the first visit"),
    "every_nth_visit": gettext_lazy("not this visit's turn"),
    "birthday_days": gettext_lazy("not around the birthday"),
    "campaign_code": gettext_lazy("its code is not on the bill"),
    # It fits, and yet gives nothing.
    "stacking": gettext_lazy("another bonus counts instead"),
    "cap": gettext_lazy("the limit of points is reached"),
    "rounding": gettext_lazy("it gives less than one point"),
}


def bonus_sentence(terms: BonusTerms, outlets: Mapping[str, str] | None = None) -> str:
    """Return a rule as one sentence: «سه‌شنبه‌ها، از ۱۶ تا ۱۸، نوشیدنی‌ها: امتیاز دو برابر».

    Args:
        outlets: id → name of the café's outlets.
    """
    when = [*_when(terms), *_what(terms, outlets or {}), *_who(terms)]
    text = _(", ").join(when) if when else _("every visit")
    return _("%(conditions)s: %(effect)s") % {
        "conditions": text[:1].upper() + text[1:],
        "effect": bonus_effect(terms.kind, terms.factor, terms.points),
    }


def bonus_effect(kind: str, factor: Decimal | None, points: int | None) -> str:
    """Return what a rule gives: "double points", "1.5 times the points", "50 points more"."""
    if kind == "points":
        return _("%(points)s points more") % {"points": format_number(points)}
    named = {Decimal(2): _("double points"), Decimal(3): _("triple points")}
    number = factor or Decimal(1)
    return named.get(number) or _("%(factor)s times the points") % {"factor": format_number(number, places=2)}


def left_out_text(reason: str) -> str:
    """Return why a bonus rule gave nothing to a bill, by the reason of ``selectors.simulate.LeftOut``."""
    return str(LEFT_OUT[reason])


def _when(terms: BonusTerms) -> list[str]:
    days = [str(WEEKDAYS[day]) for day in week_order() if day in terms.weekdays]
    return [
        text
        for text in (
            _days(terms.starts_on, terms.ends_on),
            _listed(days),
            _hours(terms.from_time, terms.until_time),
        )
        if text
    ]


def _days(first: date | None, last: date | None) -> str:
    values = {"first": format_date(first, style="long"), "last": format_date(last, style="long")}
    if first and last:
        return _("from %(first)s to %(last)s") % values
    if first:
        return _("from %(first)s on") % values
    return _("until %(last)s") % values if last else ""


def _hours(first: time | None, last: time | None) -> str:
    values = {"first": clock(first), "last": clock(last)}
    if first and last:
        return _("from %(first)s to %(last)s") % values
    if first:
        return _("from %(first)s on") % values
    return _("until %(last)s") % values if last is not None else ""


def clock(value: time | None) -> str:
    """Return an hour of the day as people say it: ۱۶ or ۱۶:۳۰; "" for None."""
    if value is None:
        return ""
    return localize(f"{value:%H:%M}" if value.minute else str(value.hour))


def _what(terms: BonusTerms, outlets: Mapping[str, str]) -> list[str]:
    types = dict(Visit.VisitType.choices)
    parts = [
        _listed([*terms.categories, *terms.items]),
        _listed(str(types.get(name, name)) for name in terms.visit_types),
    ]
    if terms.outlets:
        names = _listed(outlets.get(str(pk), "?") for pk in terms.outlets)
        parts.append(_("in %(outlets)s") % {"outlets": names})
    if terms.minimum_amount:
        parts.append(_("bills from %(amount)s") % {"amount": format_money(terms.minimum_amount)})
    return [part for part in parts if part]


def _who(terms: BonusTerms) -> list[str]:
    parts = []
    if terms.tiers:
        parts.append(_("%(tiers)s guests") % {"tiers": _listed(tier_name(level) for level in terms.tiers)})
    if terms.first_visit:
        parts.append(_("the first visit"))
    if terms.every_nth_visit:
        parts.append(_("once in %(number)s visits") % {"number": format_number(terms.every_nth_visit)})
    if terms.birthday_days is not None:
        days = {"days": format_number(terms.birthday_days)}
        around = _("from %(days)s days before the birthday to %(days)s days after it") % days
        parts.append(around if terms.birthday_days else _("on the birthday"))
    if terms.campaign_code:
        parts.append(_("with the code %(code)s") % {"code": terms.campaign_code})
    return parts


def _listed(names: Iterable[str]) -> str:
    *most, last = [*names] or [""]
    return _("%(names)s and %(last)s") % {"names": _(", ").join(most), "last": last} if most else last


def tier_name(level: str) -> str:
    """Return a tier's name in the language of the screen."""
    return str(dict(Tier.Level.choices).get(level, level))


# --- how points came about


def explain(explanation: dict[str, Any]) -> str:
    """Return how points were computed: «۲۸۵ پایه × ۱٫۲ سطح طلایی»; "" when nothing is known.

    Args:
        explanation: as ``rules.compute_earning`` notes it, and the checkout's own notes on it.
    """
    if "bonus" in explanation:
        return " · ".join([_bonus_text(explanation), *_caps(explanation)])
    if "base" not in explanation:
        return _nothing(explanation)
    parts = [_base_text(explanation), *_caps(explanation)]
    if explanation.get("overridden"):
        computed = format_number(explanation.get("computed", 0))
        parts.append(_("set by hand instead of %(points)s") % {"points": computed})
    return " · ".join(parts)


def _nothing(explanation: dict[str, Any]) -> str:
    reason = explanation.get("reason", "minimum")
    if explanation.get("minimum_amount") is None:
        return ""
    if reason == "closed":
        return _("The program gives no points at this time.")
    if reason == "nothing_paid":
        return _("Nothing of the bill is paid with money.")
    return _("The part paid with money (%(paid)s) is below the least amount that earns.") % {
        "paid": _money(explanation["paid"])
    }


def _base_text(explanation: dict[str, Any]) -> str:
    paid, amount = Decimal(explanation["paid"]), Decimal(explanation["amount_per_point"])
    multiplier = Decimal(explanation["multiplier"])
    text = _("%(base)s base × %(multiplier)s %(tier)s tier") % {
        "base": format_number(explanation["base"]),
        "multiplier": format_number(multiplier, places=2),
        "tier": tier_name(explanation["tier"]),
    }
    basis = _("one point for each %(amount)s of %(paid)s") % {
        "amount": format_money(amount),
        "paid": format_money(paid),
    }
    parts = [f"{text} ({basis})"]
    is_uneven = paid % amount or explanation["base"] * multiplier % 1
    if is_uneven and explanation.get("rounding") in ROUNDING:
        parts.append(str(ROUNDING[explanation["rounding"]]))
    return " · ".join(parts)


def _bonus_text(explanation: dict[str, Any]) -> str:
    name = explanation["bonus"]
    if explanation.get("kind") == "points":
        return _("Bonus “%(name)s”: %(effect)s") % {
            "name": name,
            "effect": bonus_effect("points", None, explanation.get("points")),
        }
    values = {
        "name": name,
        "effect": bonus_effect("multiplier", Decimal(explanation.get("factor", 1)), None),
        "amount": _money(explanation.get("counted", 0)),
    }
    if explanation.get("for_items"):
        return _("Bonus “%(name)s”: %(effect)s for %(amount)s of its items") % values
    return _("Bonus “%(name)s”: %(effect)s for %(amount)s") % values


def _caps(explanation: dict[str, Any]) -> list[str]:
    parts = []
    if "capped_at" in explanation:
        points = {"points": format_number(explanation["capped_at"])}
        parts.append(_("at most %(points)s points a visit") % points)
    if "capped_at_day" in explanation:
        points = {"points": format_number(explanation["capped_at_day"])}
        parts.append(_("at most %(points)s points a day") % points)
    return parts


def _money(value: Any) -> str:
    return format_money(Decimal(str(value)))
