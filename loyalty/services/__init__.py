"""Every write of the club."""

from loyalty.services.bonus_rules import (
    change_bonus_rule,
    create_bonus_rule,
    delete_bonus_rule,
    reorder_bonus_rules,
)
from loyalty.services.ledger import Movement, post
from loyalty.services.points import adjust_points, award_points, redeem_points
from loyalty.services.program import update_program, update_tier, update_tiers

__all__ = [
    "Movement",
    "adjust_points",
    "award_points",
    "change_bonus_rule",
    "create_bonus_rule",
    "delete_bonus_rule",
    "post",
    "redeem_points",
    "reorder_bonus_rules",
    "update_program",
    "update_tier",
    "update_tiers",
]
