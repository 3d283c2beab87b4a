"""Every write of the club."""

from loyalty.services.ledger import Movement, post
from loyalty.services.points import adjust_points, award_points, redeem_points
from loyalty.services.program import update_program, update_tier

__all__ = [
    "Movement",
    "adjust_points",
    "award_points",
    "post",
    "redeem_points",
    "update_program",
    "update_tier",
]
