"""The editor of automations: from what was posted to values and back, without a rule of its own."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from django.http import QueryDict
from django.utils.translation import gettext as _

from campaigns.automations.actions import actions
from campaigns.automations.triggers import Option, Trigger, get_trigger, triggers
from campaigns.automations.variables import known_to
from campaigns.models import Automation
from campaigns.texts import AUTOMATION, variables
from customers.models import CustomerSummary, MenuItem, Tag
from loyalty.models import Reward
from segments.models import Segment
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.l10n.money import MoneyError, parse_money, to_screen, unit_name

UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}
MOST_CRITERIA = 20_000
# What cannot be read is handed on as it is: the service names the field.
_NAMES = ("name", "description", "channel", "purpose", "template", "link_url")


@runtime_checkable
class FormPart(Protocol):
    """An action of a room above that brings its own part of the form."""

    kind: str
    #: The template of the part; its values are in ``part.shown``.
    form_template: str

    def read_form(self, post: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters that were posted; what cannot be read is handed on as it is."""

    def show(self, params: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return what the part shows; ``params`` None: not chosen. None leaves the part out."""


def read_form(post: QueryDict) -> dict[str, Any]:
    """Return the values of the service; what is no number stays text, so that the service refuses it by name."""
    values: dict[str, Any] = {name: post.get(name, "")[:2000].strip() for name in _NAMES}
    values["trigger"] = post.get("trigger", "")[:40]
    values["trigger_options"] = _options(values["trigger"], post)
    values["wait_minutes"] = _wait(post)
    values["at_time"] = _time(post.get("at_time", ""))
    values["rest_days"] = _number(post.get("rest_days", "")) or 0
    values["actions"] = _actions(post)
    text = post.get("criteria", "")[:MOST_CRITERIA].strip() or "{}"
    try:
        values["condition"] = json.loads(text)
    except ValueError:
        values["condition"] = text
    return values


def _number(text: str) -> Any:
    plain = to_ascii(text).strip()
    return int(plain) if plain.isdigit() and len(plain) < 10 else plain or None


def _options(code: str, post: QueryDict) -> dict[str, Any]:
    try:
        trigger = get_trigger(code)
    except KeyError:
        return {}
    found: dict[str, Any] = {}
    for option in trigger.options:
        name = f"{code}.{option.name}"
        if option.kind == "flag":
            found[option.name] = name in post
        elif option.kind == "tiers":
            found[option.name] = post.getlist(name)
        elif option.kind == "number":
            found[option.name] = _number(post.get(name, ""))
        else:
            found[option.name] = post.get(name, "")[:50]
    return found


def _wait(post: QueryDict) -> Any:
    amount = _number(post.get("wait", "")) or 0
    unit = UNITS.get(post.get("wait_unit", ""), 1)
    return amount * unit if isinstance(amount, int) else -1


def _time(text: str) -> Any:
    plain = to_ascii(text).strip()
    if not plain:
        return None
    try:
        return dt.time.fromisoformat(plain.zfill(5))
    except ValueError:
        return plain


def _actions(post: QueryDict) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "do.points" in post:
        found.append({"type": "points", "points": _number(post.get("points", ""))})
    if "do.coupon" in post:
        found.append(_coupon(post))
    if "do.tag" in post:
        found.append({"type": "tag", "tag": post.get("tag", "")})
    if "do.webhook" in post:
        hook = {"type": "webhook", "url": post.get("url", "").strip()}
        found.append(hook | ({"secret": post["secret"]} if post.get("secret", "").strip() else {}))
    for part in _parts():
        if f"do.{part.kind}" in post:
            found.append({"type": part.kind, **part.read_form(post)})
    return found


def _parts() -> list[FormPart]:
    return [action for action in actions() if isinstance(action, FormPart)]


def _more(automation: Automation) -> list[dict[str, Any]]:
    """Return the parts of rooms above, each with its template and what it shows."""
    given = automation.actions if isinstance(automation.actions, list) else []
    chosen = {str(params.get("type")): params for params in given}
    parts = [{"template": part.form_template, "shown": part.show(chosen.get(part.kind))} for part in _parts()]
    return [part for part in parts if part["shown"] is not None]


def _coupon(post: QueryDict) -> dict[str, Any]:
    benefit = post.get("benefit", "")
    value: Any = to_ascii(post.get(f"value.{benefit}", "")).replace("٬", "").replace(",", "").strip()
    if benefit == "amount" and value:
        try:
            value = str(parse_money(value))
        except MoneyError:
            value = "?"
    limit: Any = to_ascii(post.get("max_discount", "")).strip()
    if limit:
        try:
            limit = str(parse_money(limit))
        except MoneyError:
            limit = "?"
    return {
        "type": "coupon", "benefit": benefit, "value": value, "item_name": post.get("item_name", ""),
        "max_discount": limit, "days": _number(post.get("coupon_days", "")),
    }  # fmt: skip


def editor_context(automation: Automation, problems: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return everything the editor shows for ``automation``, saved or not."""
    amount, unit = wait_parts(automation.wait_minutes)
    return {
        "automation": automation,
        "groups": _groups(automation, problems or {}),
        "wait": localize(amount) if amount else "",
        "wait_unit": unit,
        "wait_units": [("minutes", _("minutes")), ("hours", _("hours")), ("days", _("days"))],
        "at_time": localize(automation.at_time.strftime("%H:%M")) if isinstance(automation.at_time, dt.time)
        else automation.at_time or "",
        "condition_text": json.dumps(automation.condition or {}, ensure_ascii=False, indent=1),
        "doing": _doing(automation),
        "more_actions": _more(automation),
        "channels": Automation.Channel.choices,
        "benefits": Reward.Kind.choices,
        "tags": Tag.objects.order_by("name"),
        "menu": MenuItem.objects.filter(is_active=True).order_by("name")[:300],
        "money_unit": unit_name(),
        "variables": chips(automation),
        "problems": by_part(problems or {}),
        "is_new": automation._state.adding,
    }  # fmt: skip


def chips(automation: Automation) -> list[tuple[str, Any]]:
    """Return the variables that texts of ``automation`` may have, as they are written, with their labels."""
    try:
        known = known_to(automation)
    except KeyError:  # a trigger there is not
        return []
    return [(f"{{{{{one.name}}}}}", one.label) for one in variables(AUTOMATION) if one.name in known]


def wait_parts(minutes: Any) -> tuple[int, str]:
    """Return a wait as (number, unit), in the largest unit that is whole."""
    if not isinstance(minutes, int) or minutes <= 0:
        return 0, "hours"
    unit = next(name for name in ("days", "hours", "minutes") if minutes % UNITS[name] == 0)
    return minutes // UNITS[unit], unit


def _groups(automation: Automation, problems: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the triggers, each with its options and what stands in them."""
    names = list(Segment.objects.filter(is_active=True).order_by("name").values_list("key", "name"))
    labels = dict(Automation.Trigger.choices)
    return [
        {
            "code": str(trigger.code),
            "label": labels[trigger.code],
            "chosen": trigger.code == automation.trigger,
            "options": [_shown(trigger, option, automation, names, problems) for option in trigger.options],
        }
        for trigger in triggers()
    ]


def _shown(
    trigger: Trigger,
    option: Option,
    automation: Automation,
    segments: list[tuple[str, str]],
    problems: Mapping[str, Any],
) -> dict[str, Any]:
    mine = trigger.code == automation.trigger
    value = automation.trigger_options.get(option.name, option.default) if mine else option.default
    choices = {"segment": segments, "tiers": list(CustomerSummary.TierLevel.choices)}.get(option.kind, [])
    return {
        "name": f"{trigger.code}.{option.name}",
        "kind": option.kind,
        "label": option.label,
        "value": localize(value) if option.kind == "number" and value is not None else value,
        "choices": choices,
        "problems": problems.get(f"trigger_options.{option.name}", []) if mine else [],
    }


def _doing(automation: Automation) -> dict[str, Any]:
    """Return action → its values as the form shows them."""
    found: dict[str, Any] = {}
    for params in automation.actions if isinstance(automation.actions, list) else []:
        shown = dict(params)
        if params.get("type") == "points":
            shown["points"] = localize(params.get("points") or "")
        if params.get("type") == "coupon":
            benefit, value = params.get("benefit"), _decimal(params.get("value"))
            limit = _decimal(params.get("max_discount"))
            shown["shown"] = {} if value is None else {benefit: localize(_plain(value, benefit == "amount"))}
            shown["max_discount"] = "" if limit is None else localize(_plain(limit, True))
            shown["days"] = localize(params.get("days") or "")
        found[str(params.get("type"))] = shown
    return found


def _decimal(given: Any) -> Decimal | None:
    try:
        return Decimal(str(given)) if given not in (None, "") else None
    except ArithmeticError:
        return None


def _plain(value: Decimal, is_money: bool) -> str:
    shown = to_screen(value) if is_money else value
    return f"{shown.normalize():f}"


def by_part(problems: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the problems by the part of the page where they are shown."""
    found: dict[str, list[str]] = {}
    for name, texts in problems.items():
        head = name.split(".")[0]
        part = {"trigger": "when", "trigger_options": "option", "wait_minutes": "wait", "at_time": "wait",
                "rest_days": "wait", "__all__": "whole", "key": "name"}.get(head, head)  # fmt: skip
        found.setdefault(part, []).extend(str(text) for text in texts)
    return found
