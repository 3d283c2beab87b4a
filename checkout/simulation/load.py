"""From the staging tables into the café's own: visits, ledger, accounts, tier history, summaries."""

from checkout.simulation.draws import Draws
from checkout.simulation.guests import sql_array
from checkout.simulation.profiles import Profile
from loyalty.rules import RuleBook

TABLES = (
    "customers_customer",
    "customers_customer_tags",
    "customers_customersummary",
    "customers_visit",
    "loyalty_loyaltyaccount",
    "loyalty_ledgerentry",
    "loyalty_tierchange",
)
AUDITED = ("customers_customer", "customers_customer_tags")


def _at(ms: str) -> str:
    return f"to_timestamp({ms} / 1000.0)"


def _author(draws: Draws, staff: list[str]) -> str:
    """Return the expression of who recorded the bill; the same for a visit and its ledger entries."""
    if not staff:
        return "NULL::uuid"
    return f"({sql_array(tuple(staff))})[1 + {draws.index('v.key', 90, len(staff))}]::uuid"


def insert_visits(draws: Draws, profile: Profile, *, outlets: list[str], staff: list[str]) -> str:
    """Return the statement that writes ``sim_sorted`` as visits, in the order they happened."""
    u = draws.uniform
    kind = draws.choice("v.key", 91, profile.visit_types)
    payment = draws.choice("v.key", 92, profile.payments)
    server = f"({sql_array(profile.servers)})[1 + {draws.index('v.key', 93, len(profile.servers))}]"
    return f"""
INSERT INTO customers_visit (id, created_at, updated_at, customer_id, visit_number, visit_date, outlet_id, visit_type,
    table_number, server_name, service_duration, items, item_count, total_amount, discount_amount, points_value,
    payment_method, points_earned, points_redeemed, feedback_rating, feedback_comment, notes, order_reference,
    created_by_id, voided_at, voided_by_id, void_reason)
SELECT {draws.uuid7("v.ms", "v.key", 2)}, {_at("v.ms")}, {_at("v.ms")}, v.customer, v.number, {_at("v.ms")},
       (CASE WHEN v.first_outlet THEN '{outlets[0]}' ELSE '{outlets[-1]}' END)::uuid, k.kind,
       CASE WHEN k.kind = 'dine_in' THEN (1 + {draws.index("v.key", 94, 18)})::text ELSE '' END,
       CASE WHEN k.kind = 'delivery' THEN '' ELSE {server} END,
       CASE WHEN k.kind = 'dine_in' THEN 15 + (75 * {u("v.key", 95)} ^ 1.5)::int END,
       b.items, b.item_count, v.final + v.discount, v.discount, v.points_value,
       CASE WHEN v.points_value > 0 AND v.points_value = v.final THEN 'points'
            WHEN v.points_value > 0 THEN 'mixed'
            WHEN k.kind = 'delivery' THEN 'online' ELSE {payment} END,
       v.earned, v.redeemed, NULL, '', '', '', {_author(draws, staff)}, NULL, NULL, ''
  FROM sim_sorted v JOIN sim_basket b ON b.id = v.basket CROSS JOIN LATERAL (SELECT {kind} AS kind) AS k
"""


def insert_ledger(draws: Draws, book: RuleBook, *, staff: list[str]) -> str:
    """Return the statement that writes redemptions and earnings, in the order they happened."""
    levels = sql_array(tuple(tier.level for tier in book.tiers))
    multipliers = sql_array(tuple(str(tier.multiplier) for tier in book.tiers))
    cap = "NULL" if book.max_points_per_visit is None else book.max_points_per_visit
    return f"""
INSERT INTO loyalty_ledgerentry (id, created_at, customer_id, sequence, type, points, balance_after, visit_id,
    reverses_id, related_amount, reference, description, notes, explanation, rule_version, shortfall, created_by_id)
SELECT CASE e.kind WHEN 1 THEN {draws.uuid7("v.ms", "v.key", 3)} ELSE {draws.uuid7("v.ms", "v.key", 4)} END,
       {_at("v.ms")}, v.customer, v.sequence + e.number,
       CASE e.kind WHEN 1 THEN 'redeemed_discount' ELSE 'earned_purchase' END, e.points, e.balance,
       {draws.uuid7("v.ms", "v.key", 2)}, NULL, CASE e.kind WHEN 1 THEN v.points_value ELSE v.final END, '',
       CASE e.kind WHEN 1 THEN 'Paid with points' ELSE 'Visit' END, '',
       CASE e.kind WHEN 1 THEN '{{}}'::jsonb ELSE jsonb_strip_nulls(jsonb_build_object(
           'paid', trim_scale(v.final - v.points_value)::text, 'amount_per_point', '{book.amount_per_point}',
           'base', v.base, 'tier', ({levels})[v.tier], 'multiplier', ({multipliers})[v.tier],
           'capped_at', CASE WHEN v.earned < floor(v.base * ({multipliers})[v.tier]::numeric) THEN {cap} END)) END,
       {book.version}, 0, {_author(draws, staff)}
  FROM sim_sorted v CROSS JOIN LATERAL (VALUES
       (1, 1, -v.redeemed, v.balance - v.redeemed),
       (2, 1 + (v.redeemed > 0)::int, v.earned, v.balance - v.redeemed + v.earned)
  ) AS e(kind, number, points, balance)
 WHERE v.n IS NOT NULL AND e.points <> 0
"""


def insert_accounts(book: RuleBook, time_zone: str) -> str:
    """Return the statement that writes the accounts of guests with a movement."""
    levels = sql_array(tuple(tier.level for tier in book.tiers))
    return f"""
INSERT INTO loyalty_loyaltyaccount (customer_id, balance, last_sequence, points_earned_total, points_redeemed_total,
    tier, tier_start_date, tier_expires_date, created_at, updated_at)
SELECT g.id, s.earned - s.redeemed, s.entries, s.earned, s.redeemed, ({levels})[s.tier],
       ({_at("s.tier_ms")} AT TIME ZONE '{time_zone}')::date, NULL, {_at("s.account_ms")}, {_at("s.last_ms")}
  FROM sim_standing s JOIN sim_guest g ON g.n = s.n
 WHERE s.entries > 0 ORDER BY g.id
"""


def insert_tier_changes(draws: Draws, book: RuleBook) -> str:
    """Return the statement that writes the history of tiers."""
    levels = sql_array(tuple(tier.level for tier in book.tiers))
    return f"""
INSERT INTO loyalty_tierchange (id, created_at, updated_at, customer_id, from_tier, to_tier, visit_id, reason)
SELECT {draws.uuid7("v.ms", "v.key", 5)}, {_at("v.ms")}, {_at("v.ms")}, v.customer,
       ({levels})[v.tier], ({levels})[v.tier_after], {draws.uuid7("v.ms", "v.key", 2)}, 'threshold'
  FROM sim_sorted v WHERE v.tier_after > v.tier
"""


def insert_summaries(book: RuleBook) -> str:
    """Return the statement that writes the summaries; the segments room fills in the segment."""
    levels = sql_array(tuple(tier.level for tier in book.tiers))
    lowest = next((tier.level for tier in book.tiers if tier.level == "bronze"), book.tiers[0].level)
    return f"""
INSERT INTO customers_customersummary (customer_id, total_visits, last_visit_number, lifetime_spent, first_visit_at,
    last_visit_at, segment, tier, points)
SELECT g.id, coalesce(s.visits, 0), coalesce(s.visits, 0), coalesce(s.spent, 0), {_at("s.first_ms")},
       {_at("s.last_ms")}, 'occasional', coalesce(({levels})[s.tier], '{lowest}'), coalesce(s.earned - s.redeemed, 0)
  FROM sim_guest g LEFT JOIN sim_standing s ON s.n = g.n ORDER BY g.id
"""
