"""The language once more, in plain Python over plain objects: slow, obvious, and without a database."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import jdatetime

from segments.tests.world import Guest, Seen, World
from servaan_crm.l10n.jalali import parse_date

CHANNELS = ("sms", "whatsapp", "email", "push", "instagram")
ARABIC = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"})


class Oracle:
    """Judges guests of a world."""

    def __init__(self, world: World, segments: dict[str, Any]) -> None:
        self.world = world
        self.segments = segments
        self.tz = world.locale.tz
        self.today = world.now.astimezone(self.tz).date()

    def holds(self, criteria: dict[str, Any], guest: Guest) -> bool:
        return all(self.part(name, given, guest) for name, given in criteria.items())

    def part(self, name: str, given: Any, guest: Guest) -> bool:
        if name == "not":
            return not self.holds(given, guest)
        if name == "all":
            return all(self.holds(item, guest) for item in given)
        if name == "any":
            return any(self.holds(item, guest) for item in given)
        if name == "in_segment":
            asked = _listed(next(iter(given.values())) if isinstance(given, dict) else given)
            return self.set_of({key for key in asked if self.member(key, guest)}, given)
        if name.startswith("custom."):
            return self.own(name.removeprefix("custom."), given, guest)
        return getattr(self, f"is_{name}")(given, guest)

    def member(self, key: str, guest: Guest) -> bool:
        criteria = self.segments[key]
        return key in guest.lists if criteria is None else self.holds(criteria, guest)

    # --- kinds ------------------------------------------------------------------------------------------------

    @staticmethod
    def number(own: Any, given: Any) -> bool:
        if own is None:
            return False
        own = Decimal(own)
        if not isinstance(given, dict):
            return own == Decimal(str(given))
        checks: dict[str, Callable[[Decimal], bool]] = {
            "min": lambda n: own >= n, "max": lambda n: own <= n, "above": lambda n: own > n,
            "below": lambda n: own < n, "eq": lambda n: own == n, "not": lambda n: own != n,
        }  # fmt: skip
        return all(check(Decimal(str(given[key]))) for key, check in checks.items() if key in given)

    @staticmethod
    def choice(own: Any, given: Any) -> bool:
        if isinstance(given, dict) and "not_in" in given:
            return own not in _listed(given["not_in"])
        return own is not None and own in _listed(given["in"] if isinstance(given, dict) else given)

    @staticmethod
    def set_of(own: set[str], given: Any) -> bool:
        mode, values = next(iter(given.items())) if isinstance(given, dict) else ("any", given)
        wanted = set(_listed(values))
        if mode == "all":
            return wanted <= own
        return bool(wanted & own) == (mode == "any")

    def days(self, at: datetime | None, given: Any) -> bool:
        if at is None:
            return False
        return self.number(self.ago(at), given if isinstance(given, dict) else {"max": given})

    def ago(self, at: datetime) -> int:
        return (self.today - at.astimezone(self.tz).date()).days

    def date(self, own: date | None, given: dict[str, Any]) -> bool:
        if "known" in given:
            return (own is not None) == given["known"]
        return own is not None and self.within(own, given)

    def within(self, own: date, given: dict[str, Any]) -> bool:
        checks = []
        if "from" in given:
            checks.append(own >= parse_date(given["from"]))
        if "to" in given:
            checks.append(own <= parse_date(given["to"]))
        if "within_days" in given:
            checks.append(own >= self.today - timedelta(days=given["within_days"]))
        if "before_days" in given:
            checks.append(own <= self.today - timedelta(days=given["before_days"]))
        return all(checks)

    def window(self, rows: list[Seen], given: Any, measure: Callable[[list[Seen]], Any]) -> bool:
        days = given if isinstance(given, dict) else {}
        chosen = [row for row in rows if self.within(row.at.astimezone(self.tz).date(), days)]
        chosen = [row for row in chosen if self.passes(row, days)]
        wanted = {key: given[key] for key in ("min", "max", "above", "below", "eq", "not") if key in days}
        return self.number(measure(chosen) or 0, wanted if isinstance(given, dict) else given)

    def passes(self, row: Seen, given: dict[str, Any]) -> bool:
        local, facts = row.at.astimezone(self.tz), row.facts
        checks = []
        if "visit_type" in given:
            checks.append(facts["visit_type"] in _listed(given["visit_type"]))
        if "payment" in given:
            checks.append(facts["payment_method"] in _listed(given["payment"]))
        if "outlet" in given:
            checks.append(str(facts["outlet_id"]) in _listed(given["outlet"]))
        if "weekday" in given:
            checks.append(local.weekday() in _listed(given["weekday"]))
        if "from_hour" in given or "until_hour" in given:
            first, last = given.get("from_hour", 0), given.get("until_hour", 24)
            checks.append(
                first <= local.hour < last if first < last else local.hour >= first or local.hour < last
            )
        for key, column in (("item", "name"), ("category", "category")):
            if key in given:
                wanted = {_key(name) for name in _listed(given[key])}
                checks.append(any(_key(line[column]) in wanted for line in facts["items"]))
        return all(checks)

    # --- fields -----------------------------------------------------------------------------------------------

    def is_visit_count(self, given, guest):
        return self.number(guest.facts["total_visits"], given)

    def is_lifetime_spent(self, given, guest):
        return self.number(guest.facts["lifetime_spent"], given)

    def is_average_basket(self, given, guest):
        visits = guest.facts["total_visits"]
        return visits > 0 and self.number(guest.facts["lifetime_spent"] / visits, given)

    def is_last_visit_days(self, given, guest):
        return self.days(guest.facts["last_visit_at"], given)

    def is_first_visit_days(self, given, guest):
        return self.days(guest.facts["first_visit_at"], given)

    def is_created_within_days(self, given, guest):
        return self.ago(guest.facts["created_at"]) <= given

    def is_last_visit(self, given, guest):
        return self.moment(guest.facts["last_visit_at"], given)

    def is_created(self, given, guest):
        return self.moment(guest.facts["created_at"], given)

    def moment(self, at, given):
        return self.date(at and at.astimezone(self.tz).date(), given)

    def is_birthday(self, given, guest):
        return self.date(guest.facts["birthday"], given)

    def is_segment(self, given, guest):
        return self.choice(guest.facts["segment"], given)

    def is_status(self, given, guest):
        return self.choice(guest.facts["status"], given)

    def is_gender(self, given, guest):
        return self.choice(guest.facts["gender"], given)

    def is_first_outlet(self, given, guest):
        return self.choice(guest.facts["outlet_id"] and str(guest.facts["outlet_id"]), given)

    def is_city(self, given, guest):
        return _text(guest.facts["city"], given)

    def is_tags(self, given, guest):
        return self.set_of(guest.facts.get("tags", set()), given)

    def is_accepts_marketing(self, given, guest):
        return guest.facts["allow_marketing"] == given

    def is_consent(self, given, guest):
        allowed = set()
        for channel in CHANNELS:
            answers = [granted for name, granted in guest.consent if name in (channel, "all")]
            if (
                guest.facts["allow_marketing"]
                and guest.facts["status"] != "blocked"
                and (answers or [True])[-1]
            ):
                allowed.add(channel)
        return self.set_of(allowed, given)

    def since_last(self, guest):
        at = guest.facts["last_visit_at"]
        return None if at is None else self.ago(at)

    def is_customer_type(self, given, guest):
        days, visits = self.since_last(guest), guest.facts["total_visits"]
        spend = 50_000_000 if self.world.locale.currency == "IRR" else 50_000
        if days is not None and days >= 90:
            kind = "inactive"
        elif visits >= 6 or guest.facts["lifetime_spent"] >= spend:
            kind = "vip"
        else:
            kind = "repeat" if visits >= 2 else "new"
        return self.choice(kind, given)

    def is_lifecycle(self, given, guest):
        days = self.since_last(guest)
        if days is None:
            stage = "prospect"
        elif days > 90:
            stage = "churned"
        elif days >= 60:
            stage = "at_risk"
        else:
            stage = "new" if guest.facts["total_visits"] == 1 else "active"
        return self.choice(stage, given)

    def is_temperature(self, given, guest):
        days = self.since_last(guest)
        return self.choice("cold" if days is None or days > 30 else "hot" if days <= 7 else "warm", given)

    def is_risk(self, given, guest):
        days = self.since_last(guest) or 0
        steps = [(120, "critical"), (90, "high"), (60, "medium"), (30, "low"), (0, "none")]
        return self.choice(next(name for least, name in steps if days >= least), given)

    def occasion(self, born, days):
        return born is not None and any(
            self.is_kept_on(born, self.today + timedelta(days=d)) for d in range(days + 1)
        )

    def is_kept_on(self, born, day):
        if not self.world.locale.is_jalali:
            own = (
                (born.month, 28)
                if (born.month, born.day) == (2, 29) and not _leap(day.year)
                else (born.month, born.day)
            )
            return own == (day.month, day.day)
        first, then = jdatetime.date.fromgregorian(date=born), jdatetime.date.fromgregorian(date=day)
        own = (
            (12, 29)
            if (first.month, first.day) == (12, 30) and not then.isleap()
            else (first.month, first.day)
        )
        return own == (then.month, then.day)

    def is_birthday_within_days(self, given, guest):
        return self.occasion(
            guest.facts["birthday"], given["within_days"] if isinstance(given, dict) else given
        )

    def is_anniversary_within_days(self, given, guest):
        return self.occasion(
            guest.facts["anniversary"], given["within_days"] if isinstance(given, dict) else given
        )

    def is_birthday_month(self, given, guest):
        born = guest.facts["birthday"]
        if born is None:
            return False
        month = jdatetime.date.fromgregorian(date=born).month if self.world.locale.is_jalali else born.month
        return month in _listed(given)

    def own(self, key, given, guest):
        value = guest.facts["custom"].get(key)
        if key == "level":
            return self.number(value, given)
        if key == "since":
            return self.date(value and date.fromisoformat(value), given)
        if key == "member":
            return bool(value) == given
        return self.choice(value, given) if key == "size" else _text(value, given)

    def is_monthly_visits(self, given, guest):
        return self.number(sum(self.ago(row.at) <= 30 for row in guest.visits), given)

    def is_visits(self, given, guest):
        return self.window(guest.visits, given, len)

    def is_spend(self, given, guest):
        return self.window(guest.visits, given, lambda rows: sum(row.facts["amount"] for row in rows))

    def is_average_spend(self, given, guest):
        return self.window(
            guest.visits, given, lambda rows: rows and sum(r.facts["amount"] for r in rows) / len(rows)
        )

    def is_largest_bill(self, given, guest):
        return self.window(
            guest.visits, given, lambda rows: max((row.facts["amount"] for row in rows), default=0)
        )

    def is_bought(self, given, guest):
        given = given if isinstance(given, dict) else {"item": given}
        if not {"min", "max", "above", "below", "eq", "not"} & set(given):
            given = {**given, "min": 1}
        return self.window(guest.visits, given, len)

    def is_payment_method(self, given, guest):
        return self.set_of({row.facts["payment_method"] for row in guest.visits} - {""}, given)

    def is_visit_type(self, given, guest):
        return self.set_of({row.facts["visit_type"] for row in guest.visits}, given)

    def is_outlet(self, given, guest):
        return self.set_of({str(row.facts["outlet_id"]) for row in guest.visits}, given)

    def is_tier_level(self, given, guest):
        return self.choice(guest.facts["tier"], given)

    def is_points(self, given, guest):
        return self.number(guest.facts["points"], given)

    def is_points_earned(self, given, guest):
        return self.number(guest.facts["points_earned"], given)

    def is_points_expiring(self, given, guest):
        until = self.today + timedelta(days=given["within_days"])
        soon = sum(points for day, points in guest.lots if day is not None and day <= until)
        wanted = {key: value for key, value in given.items() if key != "within_days"} or {"min": 1}
        return self.number(soon, wanted)

    def is_codes_used(self, given, guest):
        return self.window([row for row in guest.codes if not row.facts["reversed"]], given, len)

    def is_vouchers_held(self, given, guest):
        return self.window([row for row in guest.vouchers if row.facts["status"] == "issued"], given, len)

    def is_vouchers_used(self, given, guest):
        return self.window([row for row in guest.vouchers if row.facts["status"] == "used"], given, len)

    def is_feedback_count(self, given, guest):
        return self.window(guest.feedback, given, len)

    def is_average_rating(self, given, guest):
        ratings = [row.facts["rating"] for row in guest.feedback]
        return self.number(Decimal(sum(ratings)) / len(ratings) if ratings else None, given)

    def is_last_rating(self, given, guest):
        last = max(guest.feedback, key=lambda row: row.at, default=None)
        return self.number(last and last.facts["rating"], given)

    def is_open_feedback(self, given, guest):
        return any(row.facts["status"] == "open" for row in guest.feedback) == given

    def is_messages_received(self, given, guest):
        return self.window(guest.arrived(), given, len)

    def is_campaigns_received(self, given, guest):
        return self.window(guest.arrived("campaign"), given, len)

    def is_links_followed(self, given, guest):
        return self.window([row for row in guest.clicks if not row.facts["is_machine"]], given, len)

    def is_rfm_recency(self, given, guest):
        return self.number(guest.facts.get("rfm", {}).get("recency"), given)

    def is_rfm_frequency(self, given, guest):
        return self.number(guest.facts.get("rfm", {}).get("frequency"), given)

    def is_rfm_monetary(self, given, guest):
        return self.number(guest.facts.get("rfm", {}).get("monetary"), given)

    def is_rfm_group(self, given, guest):
        return self.choice(guest.facts.get("rfm", {}).get("group"), given)

    is_tier_levels = is_tier_level
    is_first_visit = lambda self, given, guest: self.moment(guest.facts["first_visit_at"], given)  # noqa: E731
    is_anniversary_month = lambda self, given, guest: self.is_birthday_month(  # noqa: E731
        given, Guest(None, {"birthday": guest.facts["anniversary"]})
    )


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(ARABIC).lower().split())


def _text(own: str | None, given: Any) -> bool:
    if own is None:
        return False
    if isinstance(given, dict):
        return _key(given["contains"]) in _key(own)
    return _key(own) == _key(given)
