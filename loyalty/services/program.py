"""The program: its first version, and changes to it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from loyalty.models import LoyaltyProgram, Tier
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.tenancy.models import Cafe

# (amount for one point, worth of one point) in the base unit; seed 000 (IRR) and seed 004 (INR).
EARNING_BY_CURRENCY = {
    "IRR": (Decimal(1000), Decimal(100)),
    "INR": (Decimal(100), Decimal(5)),
    "BDT": (Decimal(100), Decimal(5)),
}
# Thresholds in lifetime points (seed 002).
TIER_DEFAULTS = (
    (Tier.Level.BRONZE, 0, "1.00", 0),
    (Tier.Level.SILVER, 1000, "1.10", 0),
    (Tier.Level.GOLD, 5000, "1.20", 5),
    (Tier.Level.PLATINUM, 15000, "1.50", 10),
)


def _default_benefits() -> dict[str, list[str]]:
    return {
        "bronze": [_("A point for every purchase")],
        "silver": [_("10% more points"), _("A birthday treat")],
        "gold": [_("20% more points"), _("5% discount on drinks"), _("A birthday treat"), _("Priority seating")],
        "platinum": [
            _("50% more points"), _("10% discount on drinks"), _("A birthday treat"), _("Priority seating"),
            _("A free dessert every month"),
        ],
    }  # fmt: skip


def create_defaults(cafe: Cafe) -> None:
    """Give a new café its program and four tiers unless it has them."""
    amount, value = EARNING_BY_CURRENCY[cafe.currency]
    LoyaltyProgram.objects.get_or_create(
        singleton=True, defaults={"amount_per_point": amount, "point_value": value}
    )
    with translation.override(cafe.language):
        benefits = _default_benefits()
    for level, threshold, multiplier, discount in TIER_DEFAULTS:
        Tier.objects.get_or_create(
            level=level,
            defaults={
                "threshold": threshold,
                "multiplier": Decimal(multiplier),
                "discount_percent": discount,
                "benefits": benefits[level],
            },
        )


def update_program(*, actor: Actor, changes: dict[str, Any]) -> LoyaltyProgram:
    """Change the rules from now on; entries made before keep their version. Raises ValidationError."""
    with write(actor):
        program = LoyaltyProgram.objects.select_for_update().get()
        for name, value in changes.items():
            setattr(program, name, value)
        program.version += 1
        program.full_clean()
        program.save()
        return program


def update_tier(*, actor: Actor, tier_id: UUID, changes: dict[str, Any]) -> Tier:
    """Change one tier; the program gets a new version with it. Raises ValidationError."""
    with write(actor):
        LoyaltyProgram.objects.update(version=F("version") + 1)
        tier = Tier.objects.select_for_update().get(pk=tier_id)
        for name, value in changes.items():
            setattr(tier, name, value)
        tier.full_clean()
        tier.save()
        return tier
