"""From the staging tables into the café's own: visits, ledger, accounts, tier history, summaries."""

from django.utils import translation
from django.utils.translation import gettext

from checkout.simulation.draws import Draws
from checkout.simulation.guests import House
from checkout.simulation.inserts import at, insert_select, sql_array
from checkout.simulation.profiles import Profile
from customers.models import CustomerSummary, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.rules import RuleBook
from servaan_crm.tenancy.current import get_locale

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


def insert_visits(draws: Draws, profile: Profile, house: House) -> str:
    """Return the statement that writes ``sim_sorted`` as visits, in the order they happened."""
    u = draws.uniform
    kind = draws.choice("v.key", 91, profile.visit_types)
    payment = draws.choice("v.key", 92, profile.payments)
    server = f"({sql_array(profile.servers)})[1 + {draws.index('v.key', 93, len(profile.servers))}]"
    columns = {
        "id": _visit_id(draws),
        "created_at": at("v.ms"),
        "updated_at": at("v.ms"),
        "customer_id": "v.customer",
        "visit_number": "v.number",
        "visit_date": at("v.ms"),
        "outlet_id": house.outlet("v.first_outlet"),
        "visit_type": "k.kind",
        "table_number": f"CASE WHEN k.kind = 'dine_in' THEN (1 + {draws.index('v.key', 94, 18)})::text ELSE '' END",
        "server_name": f"CASE WHEN k.kind = 'delivery' THEN '' ELSE {server} END",
        "service_duration": f"CASE WHEN k.kind = 'dine_in' THEN 15 + (75 * {u('v.key', 95)} ^ 1.5)::int END",
        "items": "b.items",
        "item_count": "b.item_count",
        "total_amount": "v.final + v.discount",
        "discount_amount": "v.discount",
        "points_value": "v.points_value",
        "payment_method": "CASE WHEN v.points_value > 0 AND v.points_value = v.final THEN 'points'"
        " WHEN v.points_value > 0 THEN 'mixed'"
        f" WHEN k.kind = 'delivery' THEN 'online' ELSE {payment} END",
        "points_earned": "v.earned",
        "points_redeemed": "v.redeemed",
        "created_by_id": _author(draws, house),
    }
    source = f"""  FROM sim_sorted v JOIN sim_basket b ON b.id = v.basket
 CROSS JOIN LATERAL (SELECT {kind} AS kind) AS k"""
    return insert_select(Visit, columns, source)


def _author(draws: Draws, house: House) -> str:
    """Return who recorded the bill; the same for a visit and its ledger entries."""
    return house.author(draws, "v.key", 90)


def _visit_id(draws: Draws) -> str:
    return draws.uuid7("v.ms", "v.key", 2)


def insert_ledger(draws: Draws, book: RuleBook, house: House) -> str:
    """Return the statement that writes what ran out, redemptions and earnings, in the order they happened."""
    earned_id, redeemed_id = draws.uuid7("v.ms", "v.key", 4), draws.uuid7("v.ms", "v.key", 3)
    expired_id = draws.uuid7("v.ms", "v.key", 6)
    columns = {
        "id": f"CASE e.kind WHEN 1 THEN {redeemed_id} WHEN 2 THEN {earned_id} ELSE {expired_id} END",
        "created_at": at("v.ms"),
        "customer_id": "v.customer",
        "sequence": "v.sequence + e.number",
        "type": "CASE e.kind WHEN 1 THEN 'redeemed_discount' WHEN 2 THEN 'earned_purchase' ELSE 'expired' END",
        "points": "e.points",
        "balance_after": "e.balance",
        "visit_id": f"CASE WHEN e.kind < 3 THEN {_visit_id(draws)} END",
        "related_amount": "CASE e.kind WHEN 1 THEN v.points_value WHEN 2 THEN v.final END",
        "description": f"({_descriptions()})[e.kind]",
        "explanation": f"CASE e.kind WHEN 2 THEN {_explanation(book)} ELSE '{{}}'::jsonb END",
        "rule_version": str(book.version),
        "created_by_id": _author(draws, house),
    }
    if book.expiry_months is not None:
        days, counts = "ARRAY[v.earned_day]", "ARRAY[v.earned]"
        columns["lot_expiries"] = (
            f"CASE e.kind WHEN 1 THEN v.used_days WHEN 2 THEN {days} ELSE v.gone_days END"
        )
        columns["lot_points"] = (
            f"CASE e.kind WHEN 1 THEN v.used_points WHEN 2 THEN {counts} ELSE v.gone_points END"
        )
    source = """  FROM sim_sorted v CROSS JOIN LATERAL (VALUES
       (3, 1, -v.expired, v.balance - v.expired),
       (1, 1 + (v.expired > 0)::int, -v.redeemed, v.balance - v.expired - v.redeemed),
       (2, 1 + (v.expired > 0)::int + (v.redeemed > 0)::int, v.earned,
        v.balance - v.expired - v.redeemed + v.earned)
  ) AS e(kind, number, points, balance)
 WHERE v.n IS NOT NULL AND e.points <> 0"""
    return insert_select(LedgerEntry, columns, source)


def _descriptions() -> str:
    """Return what is written on a redemption, an earning and on points that ran out, in the café's language."""
    with translation.override(get_locale().language):
        return sql_array((gettext("Paid with points"), gettext("Visit"), gettext("Points expired")))


def _explanation(book: RuleBook) -> str:
    """Return the expression of "why so many points", as :func:`loyalty.rules.compute_earning` words it."""
    multipliers = sql_array(tuple(str(tier.multiplier) for tier in book.tiers))
    most = book.max_points_per_visit
    capped = ""
    if most is not None:
        capped = f", 'capped_at', CASE WHEN floor(v.base * ({multipliers})[v.tier]::numeric) > {most} THEN {most} END"
    return (
        "jsonb_strip_nulls(jsonb_build_object('paid', trim_scale(v.final - v.points_value)::text,"
        f" 'amount_per_point', '{book.amount_per_point}', 'base', v.base, 'tier', ({_levels(book)})[v.tier],"
        f" 'multiplier', ({multipliers})[v.tier]{capped}))"
    )


def _levels(book: RuleBook) -> str:
    return sql_array(tuple(tier.level for tier in book.tiers))


def insert_accounts(book: RuleBook, time_zone: str) -> str:
    """Return the statement that writes the accounts of guests with a movement."""
    columns = {
        "customer_id": "g.id",
        "balance": "s.earned - s.redeemed - s.expired",
        "last_sequence": "s.entries",
        "points_earned_total": "s.earned",
        "points_redeemed_total": "s.redeemed + s.expired",
        "tier": f"({_levels(book)})[s.tier]",
        "tier_start_date": f"({at('s.tier_ms')} AT TIME ZONE '{time_zone}')::date",
        "created_at": at("s.account_ms"),
        "updated_at": at("s.last_ms"),
    }
    lots = ""
    if book.expiry_months is not None:
        columns |= {
            "lot_expiries": "last.open_days",
            "lot_points": "last.open_points",
            "next_expiry_on": "last.open_days[1]",
        }
        lots = (
            " JOIN (SELECT DISTINCT ON (n) n, open_days, open_points FROM sim_sorted WHERE n IS NOT NULL"
            " ORDER BY n, number DESC) AS last ON last.n = s.n"
        )
    source = f"  FROM sim_standing s JOIN sim_guest g ON g.n = s.n{lots} WHERE s.entries > 0 ORDER BY g.id"
    return insert_select(LoyaltyAccount, columns, source)


def insert_tier_changes(draws: Draws, book: RuleBook) -> str:
    """Return the statement that writes the history of tiers."""
    columns = {
        "id": draws.uuid7("v.ms", "v.key", 5),
        "created_at": at("v.ms"),
        "updated_at": at("v.ms"),
        "customer_id": "v.customer",
        "from_tier": f"({_levels(book)})[v.tier]",
        "to_tier": f"({_levels(book)})[v.tier_after]",
        "visit_id": _visit_id(draws),
        "reason": "'threshold'",
    }
    return insert_select(TierChange, columns, "  FROM sim_sorted v WHERE v.tier_after > v.tier")


def insert_summaries(book: RuleBook) -> str:
    """Return the statement that writes the summaries; the segments room fills in the segment."""
    lowest = next((tier.level for tier in book.tiers if tier.level == "bronze"), book.tiers[0].level)
    columns = {
        "customer_id": "g.id",
        "total_visits": "coalesce(s.visits, 0)",
        "last_visit_number": "coalesce(s.visits, 0)",
        "lifetime_spent": "coalesce(s.spent, 0)",
        "first_visit_at": at("s.first_ms"),
        "last_visit_at": at("s.last_ms"),
        "segment": "'occasional'",
        "tier": f"coalesce(({_levels(book)})[s.tier], '{lowest}')",
        "points": "coalesce(s.earned - s.redeemed - s.expired, 0)",
    }
    source = "  FROM sim_guest g LEFT JOIN sim_standing s ON s.n = g.n ORDER BY g.id"
    return insert_select(CustomerSummary, columns, source)
