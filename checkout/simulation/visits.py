"""The bills of the guests, and one pass over them that gives points, tiers and the ledger."""

from datetime import date, timedelta

from checkout.simulation.baskets import PER_GROUP
from checkout.simulation.calendar import BUCKETS
from checkout.simulation.draws import Draws
from checkout.simulation.profiles import Profile
from loyalty.lots import last_valid_day
from loyalty.rules import RuleBook

NOON, EVENING = 12 * 60, 17 * 60
KEYS_PER_GUEST = 4096

CREATE_VISITS = """
CREATE TEMP TABLE sim_visit (n bigint, customer uuid, key bigint, ms bigint, basket int, first_outlet boolean,
    number int, discount bigint, final bigint, points_value numeric, redeemed int, earned int, base int,
    tier smallint, tier_after smallint, balance int, sequence int, expired int, gone_days date[], gone_points int[],
    used_days date[], used_points int[], earned_day date, open_days date[], open_points int[]) ON COMMIT DROP
"""


def select_bills(draws: Draws, profile: Profile, *, first: int, last: int, until_ms: int) -> str:
    """Return the query of the bills of guests ``first`` to ``last``, in the order they were paid.

    The guest's rhythm proposes days; a busy day is taken more often than a quiet one, a closed day never.
    """
    u = draws.uniform
    step = f"greatest(0.6, g.gap * exp(0.6 * {draws.normal('key', 60)} - 0.18))"
    share = f"power({u('key', 65)}, v.thrift)"
    percent = f"(5 * (1 + {draws.index('key', 67, 4)}))"
    return f"""
WITH steps AS MATERIALIZED (
    SELECT g.n, g.id, g.gap, g.join_day, g.joined_ms, g.end_day, g.taste, g.thrift, g.redeems, g.first_outlet, i,
           g.n * {KEYS_PER_GUEST} + i AS key
      FROM sim_guest g CROSS JOIN LATERAL generate_series(0, g.candidates - 1) AS i
     WHERE g.n BETWEEN {first} AND {last}
), proposed AS (
    SELECT g.*, g.join_day + floor(sum(CASE WHEN i = 0 THEN 0 ELSE {step} END)
           OVER (PARTITION BY g.n ORDER BY i ROWS UNBOUNDED PRECEDING))::int AS day
      FROM steps g
), timed AS (
    SELECT p.*, CASE WHEN i = 0 THEN joined_ms
                ELSE d.start_ms + d.minutes[1 + {draws.index("key", 63, BUCKETS)}] * 60000::bigint
                     + floor({u("key", 64)} * 60000)::bigint END AS ms,
           d.start_ms
      FROM proposed p JOIN sim_day d ON d.number = p.day
     WHERE i = 0 OR (p.day > p.join_day AND p.day < p.end_day AND {u("key", 62)} < d.weight)
), filled AS (
    SELECT v.n, v.id, v.key, v.ms, v.redeems,
           v.first_outlet <> ({u("key", 68)} < 0.12) AS first_outlet,
           (v.taste * 3 + CASE WHEN v.ms - v.start_ms < {NOON * 60000} THEN 0
                               WHEN v.ms - v.start_ms < {EVENING * 60000} THEN 1 ELSE 2 END) * {PER_GROUP}
           + floor({PER_GROUP} * {share})::int AS basket
      FROM timed v WHERE v.ms <= {until_ms}
)
SELECT v.n, v.id AS customer, v.key, v.ms, v.basket, v.first_outlet, b.total,
       CASE WHEN {u("key", 66)} < 0.1
            THEN floor(b.total * {percent} / 100 / {profile.amount_step})::bigint * {profile.amount_step}
            ELSE 0 END AS discount,
       CASE WHEN {u("key", 69)} < v.redeems THEN -1 ELSE 0 END AS wish
  FROM filled v JOIN sim_basket b ON b.id = v.basket
 ORDER BY v.n, v.ms, v.key
"""


_PASS = """
CREATE OR REPLACE FUNCTION pg_temp.sim_pass(query text) RETURNS SETOF sim_visit LANGUAGE plpgsql AS $pass$
DECLARE
    r record; o sim_visit; guest bigint := NULL;
    thresholds numeric[] := ARRAY[{thresholds}]::numeric[];
    multipliers numeric[] := ARRAY[{multipliers}]::numeric[];
    cap int := {cap}; club boolean := {club};
    visits int; points int; total int; spent numeric; entries int; level smallint; paid numeric;
    lot_days date[] := {lot_days}; days date[]; counts int[]; today date; rest int; taken int; last int;
BEGIN
    FOR r IN EXECUTE query LOOP
        IF guest IS DISTINCT FROM r.n THEN
            guest := r.n; visits := 0; points := 0; total := 0; spent := 0; entries := 0; level := {start};
            days := '{{}}'; counts := '{{}}';
        END IF;
        visits := visits + 1;
        o.n := r.n; o.customer := r.customer; o.key := r.key; o.ms := r.ms; o.basket := r.basket;
        o.first_outlet := r.first_outlet; o.discount := r.discount; o.final := r.total - r.discount;
        o.number := visits; o.balance := points; o.sequence := entries; o.tier := level;
        o.redeemed := 0; o.points_value := 0; o.base := 0; o.earned := 0; o.expired := 0;
        IF lot_days IS NOT NULL THEN
            o.gone_days := '{{}}'; o.gone_points := '{{}}'; o.used_days := '{{}}'; o.used_points := '{{}}';
            today := (to_timestamp(r.ms / 1000.0) AT TIME ZONE '{zone}')::date;
            WHILE days[1] < today LOOP
                o.expired := o.expired + counts[1];
                o.gone_days := o.gone_days || days[1]; o.gone_points := o.gone_points || -counts[1];
                days := days[2:]; counts := counts[2:];
            END LOOP;
            points := points - o.expired;
        END IF;
        IF club AND r.wish <> 0 AND {point_value} > 0 THEN
            o.redeemed := least(points, floor(o.final / {point_value})::int);
            IF r.wish > 0 THEN
                o.redeemed := CASE WHEN o.redeemed < r.wish THEN 0 ELSE r.wish END;
            ELSE
                o.redeemed := o.redeemed - o.redeemed % {redeem_step};
            END IF;
            o.points_value := o.redeemed * {point_value};
        END IF;
        paid := o.final - o.points_value;
        IF club AND paid > 0 AND paid >= {minimum_amount} THEN
            o.base := floor(paid / {amount_per_point});
            o.earned := least(floor(o.base * multipliers[level]), cap);
        END IF;
        IF lot_days IS NOT NULL THEN
            rest := o.redeemed;
            WHILE rest > 0 LOOP
                taken := least(rest, counts[1]); rest := rest - taken;
                o.used_days := o.used_days || days[1]; o.used_points := o.used_points || -taken;
                IF taken = counts[1] THEN
                    days := days[2:]; counts := counts[2:];
                ELSE
                    counts[1] := counts[1] - taken;
                END IF;
            END LOOP;
            last := cardinality(days);
            o.earned_day := lot_days[today - date '{first_day}' + 1];
            IF o.earned > 0 AND days[last] = o.earned_day THEN
                counts[last] := counts[last] + o.earned;
            ELSIF o.earned > 0 THEN
                days := days || o.earned_day; counts := counts || o.earned;
            END IF;
            o.open_days := days; o.open_points := counts;
        END IF;
        IF o.expired > 0 THEN entries := entries + 1; END IF;
        IF o.redeemed > 0 THEN entries := entries + 1; END IF;
        IF o.earned > 0 THEN entries := entries + 1; END IF;
        points := points - o.redeemed + o.earned;
        total := total + o.earned;
        spent := spent + o.final;
        WHILE club AND level < {levels} AND thresholds[level + 1] <= {measure} LOOP
            level := level + 1;
        END LOOP;
        o.tier_after := level;
        RETURN NEXT o;
    END LOOP;
END $pass$
"""


def create_pass(
    book: RuleBook, *, redeem_step: int, club_is_open: bool, first_day: date, last_day: date, zone: str
) -> str:
    """Return the statement that makes ``pg_temp.sim_pass(query)``.

    It walks over bills in the guest's order and adds visit number, points and tier to each, by the rules of
    :func:`loyalty.rules.compute_earning` and :func:`loyalty.services.ledger.settle_tier`. ``wish`` of a bill:
    0 no redemption, a number of points, or -1 for as many as fit, in steps of ``redeem_step``. In a program whose
    points run out it keeps their lots as :mod:`loyalty.lots` does, what is due going with the next bill.

    Args:
        first_day: together with ``last_day`` the days in ``zone`` on which there are bills.
    """
    levels = [tier.level for tier in book.tiers]
    return _PASS.format(
        start=levels.index("bronze") + 1 if "bronze" in levels else 1,
        levels=len(levels),
        thresholds=", ".join(str(tier.threshold) for tier in book.tiers),
        multipliers=", ".join(str(tier.multiplier) for tier in book.tiers),
        cap="NULL" if book.max_points_per_visit is None else book.max_points_per_visit,
        club=club_is_open and book.is_active,
        measure="spent" if book.tier_basis == "lifetime_spend" else "total",
        point_value=book.point_value,
        minimum_amount=book.minimum_amount,
        amount_per_point=book.amount_per_point,
        redeem_step=redeem_step,
        lot_days=_lot_days(book, first_day, last_day),
        first_day=first_day,
        zone=zone,
    )


def _lot_days(book: RuleBook, first: date, last: date) -> str:
    """Return the last valid days of points earned on each day, as an SQL array; NULL when points do not run out."""
    if book.expiry_months is None:
        return "NULL"
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return "'{" + ",".join(str(last_valid_day(day, book.expiry_months)) for day in days) + "}'::date[]"


def insert_walk_ins(draws: Draws, profile: Profile, *, share: float, baskets: int, until_ms: int) -> str:
    """Return the statement that adds bills without a guest until they are ``share`` of all bills."""
    u = draws.uniform
    return f"""
INSERT INTO sim_visit (key, ms, basket, first_outlet, discount, final, points_value, redeemed, earned)
SELECT -w, ms, basket, {u("w", 83)} < 0.7, 0, b.total, 0, 0, 0
  FROM (SELECT w, d.start_ms + d.minutes[1 + {draws.index("w", 81, BUCKETS)}] * 60000::bigint
               + floor({u("w", 82)} * 60000)::bigint AS ms, {draws.index("w", 84, baskets)} AS basket
          FROM generate_series(1, (SELECT floor(count(*) * {share / (1 - share)})::bigint FROM sim_visit)) AS w
          JOIN sim_traffic t ON t.i = {draws.index("w", 80, "(SELECT count(*) FROM sim_traffic)")}
          JOIN sim_day d ON d.number = t.day) AS walk_in
  JOIN sim_basket b ON b.id = basket
 WHERE ms <= {until_ms}
"""


CREATE_STANDING = """
CREATE TEMP TABLE sim_standing ON COMMIT DROP AS
SELECT n, max(number) AS visits, sum(final) AS spent, min(ms) AS first_ms, max(ms) AS last_ms,
       sum(earned) AS earned, sum(redeemed) AS redeemed,
       max(sequence + (expired > 0)::int + (redeemed > 0)::int + (earned > 0)::int) AS entries,
       sum(expired) AS expired,
       max(tier_after) AS tier, max(ms) FILTER (WHERE tier_after > tier) AS tier_ms,
       min(ms) FILTER (WHERE earned > 0 OR redeemed > 0) AS account_ms
  FROM sim_visit WHERE n IS NOT NULL GROUP BY n
"""
CREATE_SORTED = "CREATE TEMP TABLE sim_sorted ON COMMIT DROP AS SELECT * FROM sim_visit ORDER BY ms, key"
