"""Random criteria: every field, every operator, nested."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from segments.language.fields import Field, all_fields
from segments.tests.world import World
from servaan_crm.l10n.jalali import to_calendar

NUMBERS = {
    "money": (0, 1, 50_000, 400_000, 500_000, 1_000_000, 50_000_000, 60_000_000), "number": (0, 1, 2, 3, 5, 6, 70, 400),
}  # fmt: skip
DAYS = (0, 1, 7, 14, 15, 30, 31, 59, 60, 90, 91, 365)


def operators_of(schema: dict[str, Any]) -> set[tuple[str, ...]]:
    """Return the ways to ask that a field's JSON Schema publishes: bare, as a list, by operator, by both."""
    found: set[tuple[str, ...]] = set()
    for shape in schema.get("oneOf", [schema]):
        if shape["type"] == "object":
            found |= {(key, *way) for key, part in shape["properties"].items() for way in operators_of(part)}
        else:
            found.add(("list",) if shape["type"] == "array" else ("bare",))
    return found


def operators_in(given: Any) -> set[tuple[str, ...]]:
    """Return the ways to ask that a value uses, as :func:`operators_of` names them."""
    if isinstance(given, dict):
        return {(key, *way) for key, part in given.items() for way in operators_in(part)}
    return {("list",) if isinstance(given, list) else ("bare",)}


class Generator:
    """Makes criteria for a world; ``segments`` may be named by ``in_segment``."""

    def __init__(self, world: World, seed: int, segments: list[str]) -> None:
        self.rng = random.Random(seed)
        self.world = world
        self.segments = segments
        self.fields = all_fields()

    def criteria(self, depth: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            chance = self.rng.random()
            if depth < 3 and chance < 0.3:
                kind = self.rng.choice(["all", "any", "not"])
                count = 1 if kind == "not" else self.rng.randrange(1, 4)
                parts = [self.criteria(depth + 1) for _ in range(count)]
                found[kind] = parts[0] if kind == "not" else parts
            elif chance < 0.36:
                found["in_segment"] = self.members(self.segments)
            else:
                field = self.rng.choice(self.fields)
                found[field.name] = self.value(field)
        return found

    def with_operator(self, name: str, wanted: tuple[str, ...]) -> dict[str, Any]:
        """Return a condition on the field ``name`` that uses the operator ``wanted``."""
        field = next((one for one in self.fields if one.name == name), None)
        for _ in range(5000):
            given = self.value(field) if field else self.members(self.segments)
            if wanted in operators_in(given):
                return {name: given}
        raise AssertionError(f"the generator never makes {wanted} of {name}")

    def value(self, field: Field) -> Any:
        return getattr(self, f"a_{field.kind}")(field)

    def range_of(self, numbers: tuple[int, ...]) -> dict[str, Any]:
        low, high = sorted(self.rng.choices(numbers, k=2))
        return self.rng.choice(
            [{"min": low}, {"max": high}, {"min": low, "max": high}, {"above": low}, {"below": high},
             {"eq": low}, {"not": low}, {"min": low, "not": high}, {"above": low, "max": high}]
        )  # fmt: skip

    def a_number(self, field: Field) -> Any:
        return self.rng.choice([self.rng.choice(NUMBERS["number"]), self.range_of(NUMBERS["number"])])

    def a_money(self, field: Field) -> Any:
        return self.rng.choice([self.rng.choice(NUMBERS["money"]), self.range_of(NUMBERS["money"])])

    def a_days(self, field: Field) -> Any:
        return self.rng.choice([self.rng.choice(DAYS), self.range_of(DAYS)])

    def a_occasion(self, field: Field) -> Any:
        days = self.rng.choice([0, 1, 7, 30, 200])
        return (
            days if field.name == "created_within_days" or self.rng.random() < 0.5 else {"within_days": days}
        )

    def a_month(self, field: Field) -> Any:
        return self.rng.choice([self.rng.randrange(1, 13), self.rng.sample(range(1, 13), 4)])

    def a_flag(self, field: Field) -> Any:
        return self.rng.random() < 0.5

    def a_choice(self, field: Field) -> Any:
        values = [key for key, _label in field.options()]
        some = self.rng.sample(values, self.rng.randrange(1, len(values) + 1))
        inner = self.rng.choice([some[0], some])
        return self.rng.choice([some[0], some, {"in": inner}, {"not_in": inner}])

    def members(self, values: list[str]) -> Any:
        some = self.rng.sample(values, self.rng.randrange(1, len(values) + 1))
        inner = self.rng.choice([some[0], some])
        return self.rng.choice([some[0], some, {"any": inner}, {"all": inner}, {"none": inner}])

    def a_set(self, field: Field) -> Any:
        if field.name == "tags":
            return self.members(["شرکتی", "VEGAN", "ناهار"])
        return self.members([key for key, _label in field.options()])

    def a_text(self, field: Field) -> Any:
        word = self.rng.choice(["تهران", "SHIRAZ", "tea", "Coffee", "h", "ر", "كرج", "کرج"])
        return self.rng.choice([word, {"contains": word}])

    def days_ago(self) -> str:
        """Return a date as an owner would type it: Jalali where the café's calendar is."""
        day = self.world.now.astimezone(self.world.locale.tz).date() - timedelta(days=self.rng.choice(DAYS))
        year, month, number = to_calendar(day, self.world.locale)
        return f"{year:04d}-{month:02d}-{number:02d}"

    def day_range(self) -> dict[str, Any]:
        kind = self.rng.choice(["within", "before", "both", "from", "to", "from_to", "none"])
        low, high = sorted(self.rng.choices(DAYS, k=2))
        first, last = sorted([self.days_ago(), self.days_ago()])
        return {
            "within": {"within_days": high}, "before": {"before_days": low}, "none": {},
            "both": {"within_days": high, "before_days": low}, "from": {"from": first}, "to": {"to": last},
            "from_to": {"from": first, "to": last},
        }[kind]  # fmt: skip

    def a_date(self, field: Field) -> Any:
        return self.day_range() or {"known": self.rng.random() < 0.5}

    def a_window(self, field: Field, filters: bool = True) -> Any:
        numbers = NUMBERS["money" if field.unit == "money" else "number"]
        if self.rng.random() < 0.15:
            return self.rng.choice(numbers)
        filtered = "visit_type" in str(field.schema()) and filters
        return {**self.range_of(numbers), **self.day_range(), **(self.filters() if filtered else {})}

    def filters(self) -> dict[str, Any]:
        outlets = [str(outlet.pk) for outlet in self.world.outlets]
        every: dict[str, Any] = {
            "visit_type": self.rng.choice(["dine_in", ["takeaway", "delivery"]]),
            "payment": self.rng.choice(["cash", ["card", "online"]]),
            "outlet": self.rng.choice([outlets[0], outlets[1], outlets]),
            "item": self.rng.choice(["لاته", "کاپوچینو", ["iced latte", "چيزكيك"]]),
            "category": self.rng.choice(["دسر", "COLD DRINKS", ["دسر", "نوشیدنی گرم"]]),
            "weekday": self.rng.choice([0, 4, [3, 4, 6]]),
            "from_hour": self.rng.choice([0, 8, 22]), "until_hour": self.rng.choice([6, 12, 24]),
        }  # fmt: skip
        return {key: every[key] for key in self.rng.sample(list(every), self.rng.randrange(3))}

    def a_bought(self, field: Field) -> Any:
        if self.rng.random() < 0.3:
            return self.rng.choice(["لاته", ["کاپوچینو", "چیزکیک"]])
        given = {**self.day_range(), **self.filters()}
        if not {"item", "category"} & set(given):
            given["item"] = "لاته"
        return {**given, **self.rng.choice([{}, self.range_of((0, 1, 2, 3))])}

    def a_expiring(self, field: Field) -> Any:
        return {
            "within_days": self.rng.choice(DAYS),
            **self.rng.choice([{}, self.range_of(NUMBERS["number"])]),
        }
