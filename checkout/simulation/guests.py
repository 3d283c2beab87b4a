"""Who the guests are: when they came first, how often they come, until when, and what they like."""

from dataclasses import dataclass

from checkout.simulation.baskets import TASTES
from checkout.simulation.calendar import BUCKETS
from checkout.simulation.draws import Draws
from checkout.simulation.inserts import at, insert_select, sql_array
from checkout.simulation.profiles import Profile
from customers.models import Customer

WEEK_MS = 7 * 86_400_000
ONE_TIMERS = 0.3
PROSPECTS = 0.02
# Prime to every count of phone numbers, so that multiples of it modulo that count never repeat.
_PHONE_STRIDE = 7_368_787
_JOINED = at("joined_ms")


class TooManyGuests(ValueError):
    """There are fewer phone numbers than guests."""


def create_guests(draws: Draws, *, count: int, days: int, until_ms: int) -> str:
    """Return the statement that makes ``sim_guest``, one row per guest numbered from 1.

    Habits: a third come once; the others have their own rhythm (log-normal, median two weeks) and stay for
    an exponential time, longer for those who come rarely. Nobody comes first after ``until_ms``.
    """
    u = draws.uniform
    return f"""
CREATE TEMP TABLE sim_guest ON COMMIT DROP AS
WITH drawn AS (
    SELECT n::bigint AS n, {draws.index("n", 1, "(SELECT count(*) FROM sim_arrival)")} AS arrival,
           {draws.index("n", 2, BUCKETS)} AS bucket
      FROM generate_series(1, {count}) AS n
), joined AS (
    SELECT n, a.day, d.start_ms + d.minutes[1 + bucket] * 60000::bigint
           + floor({u("n", 3)} * 60000)::bigint AS ms
      FROM drawn JOIN sim_arrival a ON a.i = arrival JOIN sim_day d ON d.number = a.day
), moved AS (
    SELECT n, CASE WHEN ms > {until_ms} THEN day - 7 ELSE day END AS day,
           CASE WHEN ms > {until_ms} THEN ms - {WEEK_MS} ELSE ms END AS ms,
           least(120, greatest(1.3, exp(2.45 + 1.0 * {draws.normal("n", 5)}))) AS gap,
           {u("n", 4)} AS kind
      FROM joined
), lived AS (
    SELECT *, least({days}, day + 1 + (-ln(1 - {u("n", 7)}) * (210 + 5 * gap))::int) AS end_day FROM moved
)
SELECT n, {draws.uuid7("ms", "n", 1)} AS id, ms AS joined_ms, day AS join_day, gap, end_day,
       CASE WHEN kind < {PROSPECTS} THEN 0 WHEN kind < {PROSPECTS + ONE_TIMERS} THEN 1
            ELSE 5 + least(4000, ceil((end_day - day) / gap * 1.7))::int END AS candidates,
       {draws.index("n", 8, TASTES)} AS taste,
       0.55 + 1.1 * {u("n", 9)} AS thrift,
       0.16 * {u("n", 10)} ^ 3 AS redeems,
       {u("n", 11)} < 0.7 AS first_outlet
  FROM lived
"""


def _phone(profile: Profile, seed: int, count: int) -> str:
    """Return the expression of guest ``n``'s number: a walk through all numbers that never repeats one."""
    per_prefix = 10**profile.phone_digits
    numbers = len(profile.phone_prefixes) * per_prefix
    if count > numbers:
        raise TooManyGuests(f"there are phone numbers for {numbers:,} guests only")
    place = f"((n * {_PHONE_STRIDE} + {seed * 104_729}) % {numbers})"
    return (
        f"({sql_array(profile.phone_prefixes)})[1 + ({place} / {per_prefix})::int]"
        f" || lpad(({place} % {per_prefix})::text, {profile.phone_digits}, '0')"
    )


def _pick(draws: Draws, values: tuple[str, ...], salt: int) -> str:
    return f"({sql_array(values)})[1 + {draws.index('g.n', salt, len(values))}]"


@dataclass(frozen=True, slots=True)
class House:
    """The café the guests come to: ids of outlets (one or two) and staff, and the favourite of each taste."""

    outlets: tuple[str, ...]
    staff: tuple[str, ...]
    likes: tuple[str, ...] = ()

    def author(self, draws: Draws, key: str, salt: int) -> str:
        """Return the expression of the staff member who wrote a row; NULL when there is nobody."""
        if not self.staff:
            return "NULL::uuid"
        return f"({sql_array(self.staff)})[1 + {draws.index(key, salt, len(self.staff))}]::uuid"

    def outlet(self, is_first: str) -> str:
        """Return the expression of the outlet: the first one where ``is_first`` holds."""
        return f"(CASE WHEN {is_first} THEN '{self.outlets[0]}' ELSE '{self.outlets[-1]}' END)::uuid"


def insert_customers(draws: Draws, profile: Profile, house: House, *, count: int, days: int) -> str:
    """Return the statement that writes the guests, oldest first."""
    u = draws.uniform
    female = f"{u('g.n', 20)} < 0.54"
    first = f"floor((SELECT count(*) FROM sim_first WHERE gender = 'female') * {u('g.n', 21)} ^ 1.5)::int"
    man = f"floor((SELECT count(*) FROM sim_first WHERE gender = 'male') * {u('g.n', 21)} ^ 1.5)::int"
    last = f"floor((SELECT count(*) FROM sim_last) * {u('g.n', 22)} ^ 1.4)::int"
    author = house.author(draws, "g.n", 39)
    columns = {
        "id": "g.id",
        "created_at": _JOINED,
        "updated_at": _JOINED,
        "phone": _phone(profile, draws.seed, count),
        **_identity(draws),
        **_standing(draws, profile, days),
        "notes": f"CASE WHEN {u('g.n', 31)} < 0.06 THEN {_pick(draws, profile.notes, 32)} ELSE '' END",
        "preferences": _preferences(draws, profile, house.likes),
        "city": f"CASE WHEN {u('g.n', 36)} < 0.3 THEN {_pick(draws, profile.cities, 37)} ELSE '' END",
        "allow_marketing": f"{u('g.n', 38)} < 0.8",
        "outlet_id": house.outlet("first_outlet"),
        "created_by_id": author,
        "updated_by_id": author,
    }
    source = f"""  FROM sim_guest g
  JOIN sim_first f ON f.gender = CASE WHEN {female} THEN 'female' ELSE 'male' END
                  AND f.i = CASE WHEN {female} THEN {first} ELSE {man} END
  JOIN sim_last l ON l.i = {last}
 ORDER BY joined_ms, g.n"""
    return insert_select(Customer, columns, source)


def _identity(draws: Draws) -> dict[str, str]:
    u = draws.uniform
    has_latin, has_mail = f"{u('g.n', 23)} < 0.25 AND f.latin <> ''", f"{u('g.n', 24)} < 0.12"
    latin_first, latin_last = "coalesce(nullif(f.latin, ''), f.name)", "coalesce(nullif(l.latin, ''), l.name)"
    address = f"lower({latin_first} || '.' || {latin_last}) || g.n || '@example.com'"
    return {
        "name": "f.name || ' ' || l.name",
        "name_english": f"CASE WHEN {has_latin} THEN f.latin || ' ' || l.latin ELSE '' END",
        "email": f"CASE WHEN {has_mail} THEN {address} ELSE '' END",
        "gender": f"CASE WHEN {u('g.n', 25)} < 0.9 THEN f.gender ELSE '' END",
        "birthday": f"CASE WHEN {u('g.n', 26)} < 0.6 THEN {_days_before(6600, 14000, u('g.n', 27))} END",
        "anniversary": f"CASE WHEN {u('g.n', 28)} < 0.08 THEN {_days_before(200, 7000, u('g.n', 29))} END",
    }


def _standing(draws: Draws, profile: Profile, days: int) -> dict[str, str]:
    """Return status and reason; only those who stay away are blocked or inactive."""
    draw = draws.uniform("g.n", 30)
    blocked, inactive = (
        f"end_day < {days} - 30 AND {draw} < 0.015",
        f"end_day < {days} - 60 AND {draw} < 0.07",
    )
    return {
        "status": f"CASE WHEN {blocked} THEN 'blocked' WHEN {inactive} THEN 'inactive' ELSE 'active' END",
        "block_reason": f"CASE WHEN {blocked} THEN {_pick(draws, profile.block_reasons, 40)} ELSE '' END",
    }


def _days_before(least: int, spread: int, draw: str) -> str:
    return f"{_JOINED}::date - ({least} + {spread} * {draw} ^ 1.6)::int"


def _preferences(draws: Draws, profile: Profile, likes: tuple[str, ...]) -> str:
    likes_something, allergic = f"{draws.uniform('g.n', 33)} < 0.3", f"{draws.uniform('g.n', 34)} < 0.05"
    return (
        "jsonb_strip_nulls(jsonb_build_object("
        f"'favorite_drink', CASE WHEN {likes_something} THEN ({sql_array(likes)})[1 + taste] END, "
        f"'allergies', CASE WHEN {allergic} THEN jsonb_build_array({_pick(draws, profile.allergies, 35)}) END))"
    )


def insert_tags(draws: Draws, tag_ids: list[str]) -> str:
    """Return the statement that puts a tag or two on a fifth of the guests."""
    place = f"floor({draws.uniform('g.n', 51)} * {len(tag_ids)} + round * 3)::int % {len(tag_ids)}"
    return f"""
INSERT INTO customers_customer_tags (customer_id, tag_id)
SELECT DISTINCT g.id, ({sql_array(tuple(tag_ids))})[1 + {place}]::uuid
  FROM sim_guest g CROSS JOIN generate_series(0, 1) AS round
 WHERE {draws.uniform("g.n * 2 + round", 50)} < CASE round WHEN 0 THEN 0.18 ELSE 0.04 END
 ORDER BY 1, 2
"""
