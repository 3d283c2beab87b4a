"""The built-in segments that decide a guest's base segment."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop

from servaan_crm.tenancy.models import Cafe

# "High spender" in the base unit of the currency (IRR: seed 001; BDT: seed 003; INR: of the same weight).
VIP_SPEND = {"IRR": 500_000, "INR": 35_000, "BDT": 50_000}


@dataclass(frozen=True, slots=True)
class SystemSegment:
    """One built-in segment and the base segment its members get."""

    key: str
    base: str
    name: str
    description: str
    criteria: dict[str, Any]
    color: str


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
