"""What the demonstration's club offers: rewards, a stamp card, a bonus and a code, so that its pages can be tried."""

from decimal import Decimal

from loyalty.services.bonus_rules import create_bonus_rule
from loyalty.services.codes import create_code
from loyalty.services.rewards import create_reward
from loyalty.services.stamp_cards import create_stamp_card
from segments.services import calculate, score_guests
from servaan_crm.core.actors import system


def offer_things() -> None:
    """Fill the club of an Iranian café (amounts in rial), and calculate who its guests are."""
    actor = system("demo")
    espresso = create_reward(
        actor=actor,
        values={
            "name": "یک اسپرسو مهمان ما", "description": "هر روز، در همهٔ ساعت‌ها", "kind": "item",
            "item_name": "اسپرسو", "value": Decimal(85_000), "points_cost": 600,
        },
    )  # fmt: skip
    create_reward(
        actor=actor,
        values={
            "name": "۱۰٪ تخفیف", "description": "تا سقف ۱۰٬۰۰۰ تومان", "kind": "percent", "value": Decimal(10),
            "max_discount": Decimal(100_000), "points_cost": 800, "points_by_tier": {"gold": 700, "platinum": 600},
        },
    )  # fmt: skip
    create_reward(
        actor=actor,
        values={
            "name": "کیک روز برای دو نفر", "kind": "amount", "value": Decimal(200_000), "points_cost": 1800,
            "min_tier": "silver", "stock": 40,
        },
    )  # fmt: skip
    create_stamp_card(
        actor=actor, values={"name": "کارت ده مراجعه", "stamps_needed": 10, "reward": espresso, "points": 0}
    )
    create_bonus_rule(
        actor=actor,
        values={"name": "عصرهای سه‌شنبه", "kind": "multiplier", "factor": Decimal(2), "weekdays": [1]},
    )
    create_code(
        actor=actor,
        values={"code": "YALDA15", "name": "یلدا", "kind": "percent", "value": Decimal(15), "max_uses": 200},
    )
    know_guests()


def know_guests() -> None:
    """Score the guests and calculate the segments, as every night will: until then both would be empty."""
    score_guests()
    calculate("demonstration")
