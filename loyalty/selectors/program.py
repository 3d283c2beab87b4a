"""The program in force."""

from decimal import Decimal

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models.functions import JSONObject

from loyalty.models import LoyaltyProgram, Tier
from loyalty.rules import RuleBook, TierRule


def get_rule_book() -> RuleBook:
    """Return the café's program with its tiers, in one query."""
    tiers = Tier.objects.order_by("threshold").values(
        row=JSONObject(
            level="level",
            threshold="threshold",
            multiplier="multiplier",
            discount_percent="discount_percent",
            benefits="benefits",
        )
    )
    program = LoyaltyProgram.objects.annotate(tier_rows=ArraySubquery(tiers)).get()
    return RuleBook(
        is_active=program.is_active,
        amount_per_point=program.amount_per_point,
        point_value=program.point_value,
        minimum_amount=program.minimum_amount,
        max_points_per_visit=program.max_points_per_visit,
        tier_basis=program.tier_basis,
        version=program.version,
        tiers=tuple(
            TierRule(
                level=row["level"],
                threshold=Decimal(str(row["threshold"])),
                multiplier=Decimal(str(row["multiplier"])),
                discount_percent=Decimal(str(row["discount_percent"])),
                benefits=tuple(row["benefits"]),
            )
            for row in program.tier_rows
        ),
    )
