"""What texts of automations may say, and how it is written for the guest.

What every text knows is in ``campaigns.values``. Here is what an occasion or an action adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.automations.actions import get_action
from campaigns.automations.people import Person
from campaigns.automations.triggers import get_trigger
from campaigns.models import Automation
from campaigns.texts import AUTOMATION, check_template, register_variable, variables
from campaigns.values import guest_values
from customers.models import CustomerSummary
from servaan_crm.l10n.jalali import format_date
from servaan_crm.l10n.money import format_number

# Known on some occasions only: a trigger or an action has to bring them.
_OCCASIONAL = {
    "points_expiring": (gettext_lazy("Points that run out"), "80"),
    "expiry_date": (gettext_lazy("Last day of the points or the coupon"), "1405/01/31"),
    "birthday": (gettext_lazy("Day of the birthday or anniversary"), "1405/01/15"),
    "rating": (gettext_lazy("Stars the guest gave"), "2"),
    "visit_number": (gettext_lazy("Number of this visit"), "10"),
}
for _name, (_label, _example) in _OCCASIONAL.items():
    register_variable(_name, _label, example=_example, scopes=(AUTOMATION,))


class FeedbackLinks(Protocol):
    """Gives visit → its link, of those that have one."""

    def __call__(self, visits: Sequence[UUID], *, is_trial: bool = False) -> Mapping[UUID, str]:
        """``is_trial``: write nothing; the links look like links."""


_feedback_links: FeedbackLinks | None = None


def offer_feedback_link(links: FeedbackLinks) -> None:
    """Let texts after a visit have ``{{feedback_link}}``; without such links there is no such variable."""
    global _feedback_links
    _feedback_links = links
    label = gettext_lazy("Link to say how it was")
    register_variable("feedback_link", label, example="cafe.ir/f/Ab3xY7kQ2mW9rT", scopes=(AUTOMATION,))


def known_to(automation: Automation) -> list[str]:
    """Return the variables that texts of this automation may have."""
    trigger = get_trigger(automation.trigger)
    brought = {*trigger.variables}
    for params in automation.actions:
        action = get_action(str(params.get("type")))
        brought |= set(action.variables) if action else set()
    if automation.link_url:
        brought.add("link")
    if trigger.event == "visit.recorded":
        brought.add("feedback_link")
    special = {*_OCCASIONAL, "code", "link", "feedback_link"}
    return [one.name for one in variables(AUTOMATION) if one.name not in special or one.name in brought]


def check_text(automation: Automation) -> list[str]:
    """Return the variables the text uses.

    Raises ValidationError (code INVALID_TEMPLATE): it names a variable that nothing brings here, or there is not.
    """
    used = check_template(automation.template, AUTOMATION)
    known = known_to(automation)
    for name in used:
        if name not in known:
            listed = ", ".join(f"{{{{{each}}}}}" for each in known)
            words = _("“%(name)s” is not known to this automation. There are: %(known)s")
            raise ValidationError(words % {"name": name, "known": listed}, code="INVALID_TEMPLATE")
    return used


def values_for(
    automation: Automation, person: Person, facts: Mapping[str, Any], added: Mapping[str, str]
) -> dict[str, str]:
    """Return the values for one guest on one occasion; ``added`` is what the actions brought, and goes before."""
    values = guest_values(person.guest)
    if "points" in facts:
        values["points"] = format_number(int(facts["points"]))
    if "tier" in facts:
        values["tier"] = str(CustomerSummary.TierLevel(facts["tier"]).label)
    for name, fact in (
        ("points_expiring", "expiring"),
        ("visit_number", "visit_number"),
        ("rating", "rating"),
    ):
        if fact in facts:
            values[name] = format_number(int(facts[fact]))
    if "date" in facts:
        values["birthday"] = format_date(date.fromisoformat(facts["date"]))
    if "expires_on" in facts:
        values["expiry_date"] = format_date(date.fromisoformat(facts["expires_on"]))
    values |= added
    if "expiry_date" in added:
        values["expiry_date"] = format_date(date.fromisoformat(added["expiry_date"]))
    return values


def feedback_links(visits: Sequence[UUID], *, is_trial: bool = False) -> Mapping[UUID, str]:
    """Return visit → its link, of those that have one. ``is_trial``: write nothing."""
    return _feedback_links(visits, is_trial=is_trial) if _feedback_links is not None and visits else {}


def no_value(name: str) -> str:
    """Return why a guest is left out whose text has a word without a value, in one word."""
    return "no_feedback_link" if name == "feedback_link" else "no_value"
