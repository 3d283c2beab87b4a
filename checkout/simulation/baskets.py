"""Bills to draw from: what guests of one taste order at one part of the day."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from checkout.simulation.menus import DAYPARTS, Dish

TASTES = 12
PER_GROUP = 80
DRINK_CATEGORIES = 3
_COMPANY = (1, 1, 1, 1, 1, 2, 2, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Basket:
    """The lines of one bill as a visit stores them, and their total in the base unit."""

    lines: tuple[dict[str, object], ...]
    total: int

    @property
    def item_count(self) -> int:
        return sum(int(str(line["quantity"])) for line in self.lines)

    @property
    def items_json(self) -> str:
        return json.dumps(self.lines, ensure_ascii=False)


def make_basket(order: Counter[Dish], item_ids: dict[str, str]) -> Basket:
    """Return the bill of an order; ``item_ids`` maps dish names to ids."""
    lines = tuple(
        {
            "item_id": item_ids[dish.name],
            "name": dish.name,
            "category": dish.category,
            "quantity": quantity,
            "unit_price": dish.price,
            "total_price": dish.price * quantity,
        }
        for dish, quantity in order.items()
    )
    return Basket(lines, sum(dish.price * quantity for dish, quantity in order.items()))


def favourites(menu: Sequence[Dish]) -> list[Dish]:
    """Return the favourite of each taste: the drinks ordered most (a menu begins with its drinks)."""
    categories = list(dict.fromkeys(dish.category for dish in menu))[:DRINK_CATEGORIES]
    drinks = [dish for dish in menu if dish.category in categories]
    return sorted(drinks, key=lambda dish: (-sum(dish.weights), dish.name))[:TASTES]


def build_baskets(menu: Sequence[Dish], item_ids: dict[str, str], rng: random.Random) -> list[Basket]:
    """Return ``PER_GROUP`` bills, cheapest first, for each taste and part of the day.

    The group of taste ``t`` and part ``p`` begins at ``(t * len(DAYPARTS) + p) * PER_GROUP``.
    """
    baskets = []
    for favourite in favourites(menu):
        for part in DAYPARTS:
            orders = (_order(menu, favourite, part, rng) for _ in range(PER_GROUP))
            baskets += sorted(
                (make_basket(order, item_ids) for order in orders), key=lambda basket: basket.total
            )
    return baskets


def _order(menu: Sequence[Dish], favourite: Dish, part: int, rng: random.Random) -> Counter[Dish]:
    weights = [dish.weights[part] for dish in menu]
    order: Counter[Dish] = Counter()
    for guest in range(rng.choice(_COMPANY)):
        if guest == 0 and favourite.weights[part] and rng.random() < 0.65:
            order[favourite] += 1
        else:
            order[rng.choices(menu, weights)[0]] += 1
        if rng.random() < 0.5:
            order[rng.choices(menu, weights)[0]] += 1
    return order
