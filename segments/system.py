"""The built-in segments: those that decide a guest's base segment, and the ready-made ones of all specifications.

``base_segments`` come first and decide the base segment; the others are ordinary segments that nobody can edit.
Money thresholds are in the base unit of the café's currency.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop

from customers.selectors.derived import VIP_SPEND as HIGH_SPEND
from segments.rfm import GROUPS
from servaan_crm.tenancy.models import Cafe

# "High spender" in the base unit of the currency (IRR: seed 001; BDT: seed 003; INR: of the same weight).
VIP_SPEND = {"IRR": 500_000, "INR": 35_000, "BDT": 50_000}
# "Regulars (≥ X visits)"; the café may set ``regular_visits``.
REGULAR_VISITS = 5


@dataclass(frozen=True, slots=True)
class SystemSegment:
    """One built-in segment; ``base``: the base segment its members get, "" when it decides none."""

    key: str
    base: str
    name: str | Promise
    description: str
    criteria: dict[str, Any]
    color: str
    group: str = "base"
    icon: str = ""


def base_segments(cafe: Cafe) -> list[SystemSegment]:
    """Return the three segments in order of precedence: the first match wins, else "occasional"."""
    return [
        SystemSegment(
            key="vip_customers",
            base="vip",
            name=gettext_noop("VIP guests"),
            description=gettext_noop("Guests of the gold or platinum tier who spent a lot"),
            criteria={
                "lifetime_spent": {"min": VIP_SPEND[cafe.currency]},
                "tier_level": ["gold", "platinum"],
            },
            color="#8A4B2A",
        ),
        SystemSegment(
            key="regular_customers",
            base="regular",
            name=gettext_noop("Regular guests"),
            description=gettext_noop(
                "Guests who come at least four times a month and were here in the last 14 days"
            ),
            criteria={"monthly_visits": {"min": 4}, "last_visit_days": {"max": 14}},
            color="#2F6F4F",
        ),
        SystemSegment(
            key="new_customers",
            base="new",
            name=gettext_noop("New guests"),
            description=gettext_noop("Guests who joined in the last 30 days and came at most three times"),
            criteria={"created_within_days": 30, "visit_count": {"max": 3}},
            color="#2B6CB0",
        ),
    ]


# Headings of the list, in the order they are shown.
SYSTEM_GROUPS = (
    ("base", gettext_noop("Base segments")),
    ("visits", gettext_noop("By visits and spend")),
    ("types", gettext_noop("Customer types")),
    ("lifecycle", gettext_noop("Lifecycles")),
    ("risk", gettext_noop("Risk of dropping off")),
    ("rfm", gettext_noop("RFM groups")),
)


def system_segments(cafe: Cafe) -> list[SystemSegment]:
    """Return every built-in segment of ``cafe`` in display order, the base segments first."""
    return [*base_segments(cafe), *_by_visits(cafe), *_types(), *_lifecycles(), *_risks(), *_rfm_groups()]


def group_of_key(key: str) -> str:
    """Return which of :data:`SYSTEM_GROUPS` a built-in segment's key belongs to; "" for a key of the café's own."""
    key = key.removeprefix(TAKEN)
    return _GROUP_OF.get(key) or next((group for prefix, group in _PREFIXES if key.startswith(prefix)), "")


def said(key: str, name: str, description: str, cafe: Cafe) -> tuple[str, str]:
    """Return name and description of a built-in segment in the language in use; those given for an unknown key."""
    for segment in system_segments(cafe):
        if segment.key == key.removeprefix(TAKEN):
            return gettext(str(segment.name)), gettext(segment.description)
    return name, description


# Put before a built-in key that the café had already given to a segment of its own.
TAKEN = "builtin_"
_GROUP_OF = {
    "vip_customers": "base", "regular_customers": "base", "new_customers": "base", "first_time": "visits",
    "frequent_guests": "visits", "high_spenders": "visits", "inactive_30": "visits", "inactive_60": "visits",
}  # fmt: skip
_PREFIXES = (("type_", "types"), ("lifecycle_", "lifecycle"), ("risk_", "risk"), ("rfm_", "rfm"))


def _by_visits(cafe: Cafe) -> Iterator[SystemSegment]:
    """First-time, regulars, high spenders, inactive for 30 and 60 days."""
    least = max(1, int(cafe.setting("regular_visits", REGULAR_VISITS)))
    spend = cafe.setting("vip_spend", HIGH_SPEND[cafe.currency])
    for key, name, words, criteria, color in (
        ("first_time", gettext_noop("First-time guests"), gettext_noop("Guests who have come once"),
         {"visit_count": 1}, "#2B6CB0"),
        ("frequent_guests", gettext_noop("Guests who come often"),
         gettext_noop("Guests who have come at least as many times as the café calls regular"),
         {"visit_count": {"min": least}}, "#2F6F4F"),
        ("high_spenders", gettext_noop("High spenders"),
         gettext_noop("Guests who have spent much over all time"),
         {"lifetime_spent": {"min": int(spend)}}, "#8A4B2A"),
        ("inactive_30", gettext_noop("Not here for 30 days"),
         gettext_noop("Guests whose last visit was 30 days ago or earlier"),
         {"last_visit_days": {"min": 30}}, "#B7791F"),
        ("inactive_60", gettext_noop("Not here for 60 days"),
         gettext_noop("Guests whose last visit was 60 days ago or earlier"),
         {"last_visit_days": {"min": 60}}, "#9B2C2C"),
    ):  # fmt: skip
        yield SystemSegment(key, "", name, words, criteria, color, "visits")


def _types() -> Iterator[SystemSegment]:
    words = gettext_noop("Guests of this customer type, worked out from visits and spend")
    for value, name, color in (
        ("vip", gettext_noop("Type: VIP"), "#8A4B2A"),
        ("repeat", gettext_noop("Type: repeat"), "#2F6F4F"),
        ("new", gettext_noop("Type: new"), "#2B6CB0"),
        ("inactive", gettext_noop("Type: inactive"), "#6B7280"),
    ):
        yield SystemSegment(f"type_{value}", "", name, words, {"customer_type": value}, color, "types")


def _lifecycles() -> Iterator[SystemSegment]:
    words = gettext_noop("Guests at this point of their time with the café")
    for value, name, color in (
        ("prospect", gettext_noop("Lifecycle: not yet a guest"), "#6B7280"),
        ("new", gettext_noop("Lifecycle: new"), "#2B6CB0"),
        ("active", gettext_noop("Lifecycle: active"), "#2F6F4F"),
        ("at_risk", gettext_noop("Lifecycle: at risk"), "#B7791F"),
        ("churned", gettext_noop("Lifecycle: gone"), "#9B2C2C"),
    ):
        yield SystemSegment(f"lifecycle_{value}", "", name, words, {"lifecycle": value}, color, "lifecycle")


def _risks() -> Iterator[SystemSegment]:
    for value, name, words, color in (
        ("low", gettext_noop("Low risk"), gettext_noop("Guests who stay away a little longer than usual"), "#D69E2E"),
        ("medium", gettext_noop("Medium risk"), gettext_noop("Guests who have been away for some time"), "#B7791F"),
        ("high", gettext_noop("High risk"), gettext_noop("Guests who have been away for long"), "#C05621"),
        ("critical", gettext_noop("Critical risk"), gettext_noop("Guests who are as good as gone"),
         "#9B2C2C"),
    ):  # fmt: skip
        yield SystemSegment(f"risk_{value}", "", name, words, {"risk": value}, color, "risk")


def _rfm_groups() -> Iterator[SystemSegment]:
    words = gettext_noop("Guests of this RFM group: how recently, how often and for how much they came")
    for value, label in GROUPS:
        yield SystemSegment(f"rfm_{value}", "", label, words, {"rfm_group": value}, "#4C51BF", "rfm")
