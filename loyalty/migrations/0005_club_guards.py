"""Open lots add up to the balance, stamps only grow, and changes of the club's offers leave a trace."""

from django.db import migrations

from servaan_crm.core.audit import append_only, audit_changes, audit_table

# A check cannot hold a subquery; a function that depends on its argument alone may.
CREATE_SUM = """
CREATE FUNCTION loyalty_sum(numbers integer[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(sum(number), 0) FROM unnest(numbers) AS number)
"""
ACCOUNT_LOTS = """
ALTER TABLE loyalty_loyaltyaccount ADD CONSTRAINT account_lots CHECK (
    cardinality(lot_expiries) = cardinality(lot_points)
    AND (cardinality(lot_points) = 0 AND next_expiry_on IS NULL
         OR 0 < ALL (lot_points) AND loyalty_sum(lot_points) = balance))
"""
LEDGER_LOTS = """
ALTER TABLE loyalty_ledgerentry ADD CONSTRAINT ledger_lots CHECK (
    cardinality(lot_expiries) = cardinality(lot_points)
    AND (cardinality(lot_points) = 0 OR loyalty_sum(lot_points) = points))
"""


def check(table: str, name: str, sql: str) -> migrations.RunSQL:
    return migrations.RunSQL(sql, f"ALTER TABLE {table} DROP CONSTRAINT {name}")


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0004_club")]
    operations = [
        migrations.RunSQL([(CREATE_SUM, None)], "DROP FUNCTION loyalty_sum(integer[])"),
        check("loyalty_loyaltyaccount", "account_lots", ACCOUNT_LOTS),
        check("loyalty_ledgerentry", "ledger_lots", LEDGER_LOTS),
        *append_only("loyalty_stampentry"),
        audit_table("loyalty_bonusrule"),
        audit_table("loyalty_reward"),
        audit_table("loyalty_stampcard"),
        audit_table("loyalty_discountcode"),
        audit_changes("loyalty_voucher"),
        audit_changes("loyalty_referral"),
        audit_changes("loyalty_reviewitem"),
    ]
