"""The earning rules against a plain second reading of them, in fractions and by walking days and minutes."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loyalty.rules import BillFacts, BillLine, BonusTerms, RuleBook, TierRule, compute_earning
from servaan_crm.l10n.jalali import from_jalali, to_jalali
from servaan_crm.l10n.locale import IN, IR, use_locale

LEVELS = ("bronze", "silver", "gold", "platinum")


def whole(rounding: str, number: Fraction) -> int:
    top, bottom = number.numerator, number.denominator
    if rounding == "down":
        return top // bottom
    return -(-top // bottom) if rounding == "up" else (2 * top + bottom) // (2 * bottom)


def in_hours(terms: BonusTerms, at: datetime) -> bool:
    """Walk the days on which the hours may have begun: today and yesterday."""
    for begun in (at.date(), at.date() - timedelta(days=1)):
        start = datetime.combine(begun, terms.from_time or time.min)
        end = datetime.combine(begun, terms.until_time) if terms.until_time is not None else None
        if end is None:
            end = datetime.combine(begun, time.min) + timedelta(days=1)
        elif end <= start:  # until midnight, or over it
            end += timedelta(days=1)
        if (
            start <= at < end
            and (not terms.weekdays or begun.isoweekday() - 1 in terms.weekdays)
            and (terms.starts_on is None or begun >= terms.starts_on)
            and (terms.ends_on is None or begun <= terms.ends_on)
        ):
            return True
    return False


def is_birthday(born: date, day: date, jalali: bool) -> bool:
    following = day + timedelta(days=1)
    if jalali:
        this, birth, after = (tuple(to_jalali(each))[1:] for each in (day, born, following))
        return this == birth or (birth == (12, 30) and this == (12, 29) and after == (1, 1))
    this, birth, after = ((each.month, each.day) for each in (day, born, following))
    return this == birth or (birth == (2, 29) and this == (2, 28) and after == (3, 1))


def fits(terms: BonusTerms, facts: BillFacts, tier: str, paid: Fraction, jalali: bool) -> bool:
    if not in_hours(terms, facts.at):
        return False
    if terms.items and not {line.item_key for line in facts.lines} & set(terms.items):
        return False
    if terms.tiers and tier not in terms.tiers:
        return False
    if terms.minimum_amount is not None and paid < terms.minimum_amount:
        return False
    if terms.first_visit and facts.visit_number != 1:
        return False
    nth = terms.every_nth_visit
    if nth and facts.visit_number not in range(nth, 10_000, nth):
        return False
    if terms.birthday_days is not None:
        days = range(-terms.birthday_days, terms.birthday_days + 1)
        if facts.birthday is None or not any(
            is_birthday(facts.birthday, facts.at.date() + timedelta(days=offset), jalali) for offset in days
        ):
            return False
    return True


def oracle(book: RuleBook, tier: str, final: Decimal, value: Decimal, facts: BillFacts, jalali: bool):
    """Return [(name, points)] with the purchase first, without lines of nothing."""
    paid = Fraction(final) - Fraction(value)
    if not book.is_active or paid <= 0 or paid < book.minimum_amount:
        return []
    multiplier = {rule.level: Fraction(rule.multiplier) for rule in book.tiers}[tier]
    rate = Fraction(book.amount_per_point)
    lines = [["", whole(book.rounding, whole(book.rounding, paid / rate) * multiplier)]]
    bonuses = []
    for terms in book.bonuses:
        if not fits(terms, facts, tier, paid, jalali):
            continue
        counted = paid
        if terms.items:
            listed = sum(Fraction(line.amount) for line in facts.lines if line.item_key in terms.items)
            counted = min(paid, listed * paid / max(Fraction(facts.total_amount), Fraction(final)))
        if terms.kind == "points":
            bonuses.append([terms.name, terms.points])
        elif points := whole(book.rounding, counted * (Fraction(terms.factor) - 1) / rate):
            bonuses.append([terms.name, points])
    if bonuses and book.stacking == "first":
        bonuses = bonuses[:1]
    elif bonuses and book.stacking == "best":
        most = max(points for _name, points in bonuses)
        bonuses = [next(pair for pair in bonuses if pair[1] == most)]
    lines += bonuses
    limits = [] if book.max_points_per_visit is None else [book.max_points_per_visit]
    if book.max_points_per_day is not None:
        limits.append(max(0, book.max_points_per_day - facts.earned_today))
    for limit in limits:
        for line in reversed(lines):
            line[1] -= min(line[1], max(0, sum(points for _name, points in lines) - limit))
    return [tuple(line) for line in lines if line[1]]


amounts = st.one_of(
    st.integers(1, 80).map(lambda fives: Decimal(5 * fives)),
    st.decimals(0, 5000, places=2),
    st.sampled_from(
        [Decimal("0.03"), Decimal(3), Decimal(999), Decimal(1000), Decimal("1499.5"), Decimal(1500)]
    ),
)
mostly_nothing = st.one_of(st.just(Decimal(0)), st.just(Decimal(0)), amounts)
rates = st.sampled_from([Decimal(1), Decimal(3), Decimal(10), Decimal("33.33"), Decimal(100)])
clocks = st.one_of(
    st.none(), st.sampled_from([time(0), time(1), time(2), time(16), time(18), time(22), time(23, 30)])
)
# Two ends of a Jalali year, one of them leap, and of a Gregorian one.
dates = st.one_of(
    st.dates(date(2025, 3, 10), date(2025, 3, 30)),
    st.dates(date(2025, 12, 20), date(2026, 1, 10)),
    st.dates(date(2026, 2, 20), date(2026, 3, 25)),
)


CONDITIONS = st.lists(
    st.sampled_from(
        ["hours", "night", "weekdays", "dates", "items", "tiers", "minimum", "nth", "first", "birthday"]
    ),
    max_size=2,
    unique=True,
)


@st.composite
def bonus(draw, name: str) -> BonusTerms:
    """A rule with two conditions at most, so that many rules fit."""
    chosen, kind = draw(CONDITIONS), draw(st.sampled_from(["points", "multiplier"]))
    effect = (
        st.sampled_from([Decimal("1.5"), Decimal(2), Decimal("2.75"), Decimal(4)])
        if kind == "multiplier"
        else st.integers(1, 60)
    )
    values = {"factor" if kind == "multiplier" else "points": draw(effect)}
    first, last = draw(clocks), draw(clocks)
    offered = {
        "hours": {"from_time": first, "until_time": None if first is not None and first == last else last},
        "weekdays": {"weekdays": tuple(draw(st.sets(st.integers(0, 6), min_size=2, max_size=5)))},
        "dates": {"starts_on": draw(dates)},
        "items": {"items": tuple(draw(st.sets(st.sampled_from(["latte", "cake"]), min_size=1)))},
        "tiers": {"tiers": tuple(draw(st.sets(st.sampled_from(LEVELS), min_size=1, max_size=3)))},
        "minimum": {"minimum_amount": draw(amounts)},
        "nth": {"every_nth_visit": draw(st.integers(2, 4))},
        "first": {"first_visit": True},
        "birthday": {"birthday_days": draw(st.sampled_from([0, 3, 30]))},
    }
    offered["night"] = {"from_time": time(22), "until_time": time(2)} | offered["weekdays"]
    for condition in chosen:
        values |= offered[condition]
    return BonusTerms(id=name, name=name, kind=kind, **values)


@st.composite
def cases(draw):
    multipliers = draw(
        st.tuples(*[st.sampled_from([Decimal(1), Decimal("1.25"), Decimal("1.5"), Decimal("2.1")])] * 4)
    )
    book = RuleBook(
        is_active=True, amount_per_point=draw(rates), point_value=Decimal(1),
        minimum_amount=draw(st.sampled_from([Decimal(0), Decimal(0), Decimal(50)])),
        max_points_per_visit=draw(st.sampled_from([None, None, 0, 7, 100, 1000])),
        max_points_per_day=draw(st.sampled_from([None, None, 5, 150])),
        tier_basis="lifetime_points", version=1, rounding=draw(st.sampled_from(["down", "nearest", "up"])),
        stacking=draw(st.sampled_from(["all", "best", "first"])),
        tiers=tuple(TierRule(LEVELS[n], Decimal(n * 100), multipliers[n]) for n in range(4)),
        bonuses=tuple(draw(bonus(name)) for name in "ABCD"[: draw(st.integers(0, 4))]),
    )  # fmt: skip
    total = draw(amounts) + draw(st.sampled_from([0, 5, 500]))
    final = total - min(total, draw(mostly_nothing))
    lines = tuple(
        BillLine(item, "", 1, draw(amounts))
        for item in draw(st.sets(st.sampled_from(["latte", "cake", "tea"])))
    )
    birthdays = st.one_of(
        st.none(), st.dates(date(1950, 1, 1), date(2010, 1, 1)),
        st.sampled_from([from_jalali(1375, 12, 30), date(1996, 2, 29), date(1990, 1, 1), date(1990, 3, 21)]),
    )  # fmt: skip
    facts = BillFacts(
        at=datetime.combine(draw(dates), draw(clocks) or time(0, 15)),
        total_amount=total, visit_number=draw(st.integers(1, 6)), lines=lines, birthday=draw(birthdays),
        earned_today=draw(st.integers(0, 200)),
    )  # fmt: skip
    return book, draw(st.sampled_from(LEVELS)), final, min(final, draw(mostly_nothing)), facts


@pytest.mark.parametrize("locale", [IR, IN], ids=["jalali", "gregorian"])
@settings(max_examples=400, deadline=None)
@given(case=cases())
def test_a_bill_earns_what_the_plain_reading_says(locale, case):
    book, tier, final, value, facts = case
    with use_locale(locale):
        earning = compute_earning(book, tier=tier, final_amount=final, points_value=value, facts=facts)
        expected = oracle(book, tier, final, value, facts, locale.is_jalali)
    assert [(part.name, part.points) for part in earning.parts if part.points] == expected
    assert earning.points == sum(points for _name, points in expected)


def book_with(*bonuses: BonusTerms, **values) -> RuleBook:
    return replace(
        RuleBook(
            is_active=True, amount_per_point=Decimal(1000), point_value=Decimal(100), minimum_amount=Decimal(0),
            max_points_per_visit=None, tier_basis="lifetime_points", version=1,
            tiers=(TierRule("bronze", Decimal(0), Decimal(1)),), bonuses=bonuses,
        ),
        **values,
    )  # fmt: skip


def names(book: RuleBook, at: datetime, **facts) -> list[str]:
    amount = Decimal(9000)
    given_facts = BillFacts(at=at, total_amount=amount, visit_number=2, **facts)
    found = compute_earning(
        book, tier="bronze", final_amount=amount, points_value=Decimal(0), facts=given_facts
    )
    return [part.name for part in found.bonuses]


def test_a_third_of_the_bill_three_times_is_a_whole_point():
    """1/3 of 3,000 at factor 4 is 3 × 1/3 × 3 points exactly; cut decimals would give one point less."""
    rule = BonusTerms(id="a", name="a", kind="multiplier", factor=Decimal(4), items=("latte",))
    facts = BillFacts(
        at=datetime(2025, 5, 5, 12),
        total_amount=Decimal(9000),
        lines=(BillLine("latte", "", 1, Decimal(1000)),),
    )
    earning = compute_earning(
        book_with(rule), tier="bronze", final_amount=Decimal(3000), points_value=Decimal(0), facts=facts
    )
    assert [part.points for part in earning.bonuses] == [1]


def test_tuesday_night_lasts_into_wednesday_and_no_further():
    rule = BonusTerms(
        id="a", name="night", kind="points", points=5, weekdays=(1,), from_time=time(22), until_time=time(2)
    )
    book = book_with(rule)
    tuesday = datetime(2025, 5, 6)
    assert tuesday.weekday() == 1
    assert names(book, tuesday.replace(hour=22)) == ["night"]
    assert names(book, tuesday + timedelta(days=1, hours=1, minutes=59)) == ["night"]
    assert names(book, tuesday + timedelta(days=1, hours=2)) == []
    assert names(book, tuesday.replace(hour=1)) == []  # Monday's night


@pytest.mark.parametrize(
    ("locale", "born", "year_end"),
    [
        (IR, from_jalali(1375, 12, 30), from_jalali(1404, 12, 29)),  # a common year: kept on the 29th
        (IR, from_jalali(1375, 12, 30), from_jalali(1403, 12, 30)),  # a leap year: its own day
        (IN, date(1996, 2, 29), date(2025, 2, 28)),
        (IN, date(1990, 1, 1), date(2026, 1, 1)),
    ],
)
def test_the_birthday_window_crosses_the_end_of_the_year(locale, born, year_end):
    rule = BonusTerms(id="a", name="cake", kind="points", points=5, birthday_days=3)
    with use_locale(locale):
        days = [offset for offset in range(-6, 7) if names(
            book_with(rule), datetime.combine(year_end + timedelta(days=offset), time(12)), birthday=born
        )]  # fmt: skip
    assert days == list(range(-3, 4))


@example(earned=0)
@given(earned=st.integers(0, 30))
def test_the_cap_cuts_the_last_bonus_first(earned):
    rules = [BonusTerms(id=name, name=name, kind="points", points=10) for name in "ABC"]
    facts = BillFacts(
        at=datetime(2025, 5, 5, 12), total_amount=Decimal(9000), visit_number=2, earned_today=earned
    )
    found = compute_earning(
        book_with(*rules, max_points_per_day=39), tier="bronze", final_amount=Decimal(9000),
        points_value=Decimal(0), facts=facts,
    )  # fmt: skip
    left = 39 - earned
    wanted = [9, 10, 10, 10]
    got = []
    for points in wanted:
        got.append(min(points, left - sum(got)))
    assert [part.points for part in found.parts] == [
        points for n, points in enumerate(got) if points or n == 0
    ]
