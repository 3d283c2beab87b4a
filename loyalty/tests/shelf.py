"""Guests with points, and things to spend them on."""

from decimal import Decimal
from typing import Any

from customers.models import Customer
from customers.services import create_customer
from loyalty.models import Reward, StampCard
from loyalty.services import award_points
from loyalty.services.rewards import create_reward
from loyalty.services.stamp_cards import create_stamp_card
from servaan_crm.core.actors import system

SOMEBODY = system("test")


def guest_with(points: int = 0, phone: str = "+989121110022", name: str = "نازنین") -> Customer:
    """Create a guest who has ``points``."""
    guest = create_customer(actor=SOMEBODY, phone=phone, name=name)
    if points:
        award_points(actor=SOMEBODY, customer_id=guest.pk, points=points, reason="test")
    return guest


def reward_of(points: int = 100, **values: Any) -> Reward:
    """Add a reward to the catalogue: 50,000 rial off unless ``values`` say otherwise."""
    terms = {"name": "تخفیف", "kind": "amount", "value": Decimal(50_000), "points_cost": points}
    return create_reward(actor=SOMEBODY, values=terms | values)


def card_of(needed: int = 3, **values: Any) -> StampCard:
    """Add a stamp card: 50 points for a full one unless ``values`` say otherwise."""
    terms = {"name": "کارت قهوه", "stamps_needed": needed, "points": 50}
    return create_stamp_card(actor=SOMEBODY, values=terms | values)
