"""What an automation waits for. Each trigger turns an event, or a day of the calendar, into occasions of guests.

An occasion has a name of its own ("visit:<id>", "birthday:2026-04-01"); a guest meets an automation once on each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from campaigns.models import Automation
from customers.models import CustomerSummary
from segments.models import Segment

# How many days back the daily look goes, when workers stood still.
CATCH_UP_DAYS = 3


@dataclass(frozen=True, slots=True)
class Occasion:
    """One guest on one occasion. ``facts``: what is known of it then, for texts and checks; plain JSON."""

    customer_id: UUID
    occurrence: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """Something a trigger has to know. kind: "number" (least to most), "flag", "segment" or "tiers"."""

    name: str
    kind: str
    label: str | Promise
    default: Any = None
    least: int = 0
    most: int = 365

    def read(self, given: Any) -> Any:
        """Return the value as it is stored. Raises ValidationError."""
        return _READERS[self.kind](self, given)


def _number(option: Option, given: Any) -> int:
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or not option.least <= given <= option.most:
        bounds = {"least": option.least, "most": option.most}
        raise ValidationError(_("Give a whole number from %(least)s to %(most)s.") % bounds)
    return int(given)


def _flag(option: Option, given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValidationError(_("Give true or false."))
    return given


def _segment(option: Option, given: Any) -> str:
    if not given:
        raise ValidationError(_("Choose a segment."))
    if not Segment.objects.filter(key=str(given)).exists():
        raise ValidationError(_("There is no segment “%(key)s”.") % {"key": str(given)[:50]})
    return str(given)


def _tiers(option: Option, given: Any) -> list[str]:
    known = list(CustomerSummary.TierLevel.values)
    if not isinstance(given, list) or any(level not in known for level in given):
        raise ValidationError(_("Choose from: %(values)s.") % {"values": ", ".join(known)})
    return [level for level in known if level in given]


_READERS = {"number": _number, "flag": _flag, "segment": _segment, "tiers": _tiers}


def isolated(name: str) -> str:
    """Return a name so that its direction leaves the sentence around it alone (Unicode isolates)."""
    return f"\u2068{name}\u2069"


class Trigger:
    """Base of all triggers.

    ``event``: the name of the event it hears; a ``daily`` one looks at the calendar instead. ``variables``: what its
    texts may say besides what is known of every guest. ``is_service``: it answers what the guest did or tells of the
    guest's own account, so its message may be a service message.
    """

    code: ClassVar[Automation.Trigger]
    event: ClassVar[str] = ""
    daily: ClassVar[bool] = False
    options: ClassVar[tuple[Option, ...]] = ()
    variables: ClassVar[tuple[str, ...]] = ()
    is_service: ClassVar[bool] = False

    def clean(self, given: Any) -> dict[str, Any]:
        """Return the options complete and checked.

        Raises ValidationError whose keys name the bad ones ("trigger_options.days").
        """
        if not isinstance(given, Mapping):
            raise ValidationError({"trigger_options": [_("An object is needed.")]})
        known = {option.name: option for option in self.options}
        problems: dict[str, list[str]] = {}
        for name in given:
            if name not in known:
                legal = {"name": str(name)[:50], "known": ", ".join(known) or "–"}
                text = _("“%(name)s” means nothing to this trigger. There is: %(known)s") % legal
                problems[f"trigger_options.{name}"[:100]] = [text]
        values: dict[str, Any] = {}
        for name, option in known.items():
            try:
                values[name] = option.read(given.get(name, option.default))
            except ValidationError as error:
                problems[f"trigger_options.{name}"] = error.messages
        if problems:
            raise ValidationError(problems)
        return values

    def value(self, automation: Automation, name: str) -> Any:
        """Return an option of ``automation``, or its default."""
        default = next(option.default for option in self.options if option.name == name)
        return automation.trigger_options.get(name, default)

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        """Return the occasions that an event means for ``automation``."""
        raise NotImplementedError

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        """Return the occasions of ``day`` (the café's) and of the missed days before it, from ``since`` on.

        For a trigger that hears an event: what happened on ``day``, read from the tables; the dry run asks for that.
        """
        raise NotImplementedError

    def say(self, automation: Automation) -> str:
        """Return the trigger as the beginning of a sentence."""
        raise NotImplementedError


_triggers: dict[str, Trigger] = {}


def register_trigger(kind: type[Trigger]) -> type[Trigger]:
    """Add a trigger; a class decorator."""
    _triggers[str(kind.code)] = kind()
    return kind


def get_trigger(code: str) -> Trigger:
    """Return the trigger. Raises KeyError."""
    return _triggers[code]


def triggers() -> list[Trigger]:
    """Return all triggers in the order in which people choose."""
    return [_triggers[code] for code in Automation.Trigger.values if code in _triggers]


def triggers_of(event: str) -> list[Trigger]:
    """Return the triggers that hear an event."""
    return [trigger for trigger in _triggers.values() if trigger.event == event]
