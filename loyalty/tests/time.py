"""What the tests of time share: the clock, guests with points of chosen days."""

import datetime as dt
from zoneinfo import ZoneInfo

from customers.services.visits import lock_customer
from feedback.tests.helpers import make_customer
from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram
from loyalty.selectors import get_rule_book
from loyalty.services.ledger import Movement, account_of, post, settle_tier
from loyalty.services.points import save_account
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.core.models import Event

TEHRAN, KOLKATA = ZoneInfo("Asia/Tehran"), ZoneInfo("Asia/Kolkata")
ACTOR = system("test")
EARN, SPEND = LedgerEntry.Type.EARNED_BONUS, LedgerEntry.Type.REDEEMED_DISCOUNT


def noon(day: dt.date, zone: ZoneInfo = TEHRAN) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12), zone)


def clock(monkeypatch, moment):
    """Let it be ``moment`` (a day: its noon in Tehran) for everything."""
    moment = moment if isinstance(moment, dt.datetime) else noon(moment)
    now = moment.astimezone(dt.UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    # The default of the field is the real clock; rows of the ledger cannot be moved afterwards.
    monkeypatch.setattr(LedgerEntry._meta.get_field("created_at"), "_get_default", lambda: now)


def rules(**changes):
    LoyaltyProgram.objects.update(**changes)


def move(guest, *points):
    """Earn (positive) or redeem (negative) points through the ledger, now; nothing: only what is due expires."""
    with write(ACTOR):
        customer = lock_customer(customer_id=guest.pk, deleted_too=True)
        book, account = get_rule_book(), account_of(customer)
        movements = [
            Movement(type=EARN if count > 0 else SPEND, points=count, description="-") for count in points
        ]
        entries = post(actor=ACTOR, customer=customer, account=account, movements=movements, book=book)
        settle_tier(
            customer=customer, account=account, book=book, lifetime_spent=customer.summary.lifetime_spent
        )
        save_account(customer, account)
        return entries


def member(*points, **fields):
    guest = make_customer(**fields)
    if points:
        move(guest, *points)
    return guest


def account(guest):
    return LoyaltyAccount.objects.get(pk=guest.pk)


def told(name):
    """Return the payloads of the events called ``name``, oldest first."""
    return [row.payload for row in Event.objects.filter(name=name).order_by("pk")]
