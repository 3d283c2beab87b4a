"""A café of random guests, kept twice: as rows, and as plain Python objects that the oracle judges."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from campaigns.models import LinkClick, ShortLink
from customers.models import Channel, ConsentChange, Customer, CustomerSummary, CustomField, Tag, Visit
from customers.services import create_customer
from feedback.models import Feedback
from loyalty.models import DiscountCode, DiscountUse, LoyaltyAccount, Voucher
from segments.models import RfmScore, Segment, SegmentMembership
from segments.rfm import GROUPS
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.actors import system
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import Message

ITEMS = (
    ("لاته", "نوشیدنی گرم"),
    ("كاپوچينو", "نوشیدنی گرم"),
    ("چیزکیک", "دسر"),
    ("Iced Latte", "Cold drinks"),
)
DAYS = (0, 0, 1, 2, 6, 7, 8, 13, 14, 15, 29, 30, 31, 44, 59, 60, 61, 89, 90, 91, 119, 120, 200, 364, 366, 800)
CITIES = ("", "تهران", "Shiraz", "رشت", "كرج")
FIELDS = ({"key": "level", "label": "Level", "kind": "number"}, {"key": "since", "label": "Since", "kind": "date"},
          {"key": "member", "label": "Member", "kind": "boolean"}, {"key": "drink", "label": "Drink", "kind": "text"},
          {"key": "size", "label": "Size", "kind": "choice", "choices": ["s", "m", "l"]})  # fmt: skip


@dataclass
class Seen:
    """A visit, a feedback, a message, a use of a code: what happened, and when."""

    at: datetime
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Guest:
    """Everything the oracle knows of a guest."""

    pk: Any
    facts: dict[str, Any]
    visits: list[Seen] = field(default_factory=list)
    feedback: list[Seen] = field(default_factory=list)
    messages: list[Seen] = field(default_factory=list)
    clicks: list[Seen] = field(default_factory=list)
    codes: list[Seen] = field(default_factory=list)
    vouchers: list[Seen] = field(default_factory=list)
    consent: list[tuple[str, bool]] = field(default_factory=list)
    lots: list[tuple[date | None, int]] = field(default_factory=list)
    lists: set[str] = field(default_factory=set)

    def arrived(self, kind: str = "") -> list[Seen]:
        """Return the messages that were sent, of one kind or of all."""
        sent = [row for row in self.messages if row.facts["state"] in ("sent", "delivered")]
        return [row for row in sent if not kind or row.facts["kind"] == kind]


class World:
    """Makes the guests. ``now`` is noon, so that minutes around it stay on the same local day."""

    def __init__(self, seed: int, guests: int) -> None:
        self.rng = random.Random(seed)
        self.locale = get_locale()
        self.now = timezone.now()
        self.actor = system("test")
        self.outlets = [Outlet.objects.get(is_default=True), Outlet.objects.create(name=f"شعبهٔ دوم {seed}")]
        self.tags = [Tag.objects.create(name=name) for name in ("شرکتی", "VEGAN", "ناهار")]
        for place, one in enumerate(FIELDS):
            CustomField.objects.create(display_order=place, **one)
        self.static = Segment.objects.create(key="handmade", name="دست‌ساز", kind="static")
        self.code = DiscountCode.objects.create(code="WORLD", kind="amount", value=1000)
        self.guests = [self.make_guest(number) for number in range(guests)]

    def moment(self) -> datetime:
        """Return a moment some days ago, sometimes a minute around local midnight."""
        days = self.rng.choice(DAYS)
        if self.rng.random() < 0.3:
            midnight = self.now.astimezone(self.locale.tz).replace(hour=0, minute=0, second=0, microsecond=0)
            around = midnight - timedelta(days=days) + timedelta(minutes=self.rng.choice([-1, 0, 1]))
            return min(around, self.now)
        return self.now - timedelta(days=days, seconds=self.rng.randrange(1, 80_000))

    def day(self) -> date:
        """Return a date of birth, often near today, sometimes the last day of a leap year."""
        today = self.now.astimezone(self.locale.tz).date()
        leap = self.rng.choice([date(2021, 3, 20), date(1988, 2, 29), date(2000, 2, 29)])
        near = today + timedelta(days=self.rng.randrange(-5, 40))
        born = near.replace(year=near.year - self.rng.randrange(18, 60), day=min(near.day, 28))
        anywhere = date(1960, 1, 1) + timedelta(days=self.rng.randrange(20_000))
        return self.rng.choice([leap, born, born, anywhere])

    def make_guest(self, number: int) -> Guest:
        rng = self.rng
        india = self.locale.phone_region == "IN"
        customer = create_customer(
            actor=self.actor,
            phone=f"+91987650{number:04d}" if india else f"+98912000{number:04d}",
            name=f"مهمان {number}",
        )
        facts = {
            "created_at": self.moment(), "status": rng.choice(["active", "active", "inactive", "blocked"]),
            "gender": rng.choice(["", "female", "male"]), "city": rng.choice(CITIES),
            "birthday": rng.choice([None, self.day()]), "anniversary": rng.choice([None, self.day()]),
            "allow_marketing": rng.random() < 0.7, "outlet_id": rng.choice([None, self.outlets[0].pk]),
            "custom": self.custom(),
        }  # fmt: skip
        Customer.objects.filter(pk=customer.pk).update(**facts)
        guest = Guest(customer.pk, facts)
        for tag in self.tags:
            if rng.random() < 0.4:
                customer.tags.add(tag)
                guest.facts.setdefault("tags", set()).add(tag.name)
        self.consent(guest)
        self.visits(guest)
        self.heard(guest)
        self.club(guest)
        return guest

    def custom(self) -> dict[str, Any]:
        rng = self.rng
        everything = {
            "level": rng.randrange(5), "since": self.moment().date().isoformat(), "member": rng.random() < 0.5,
            "drink": rng.choice(["Tea", "coffee"]), "size": rng.choice("sml"),
        }  # fmt: skip
        return {key: value for key, value in everything.items() if rng.random() < 0.6}

    def consent(self, guest: Guest) -> None:
        for _ in range(self.rng.randrange(4)):
            channel, granted = self.rng.choice(["all", *Channel.values]), self.rng.random() < 0.5
            ConsentChange.objects.create(
                customer_id=guest.pk, channel=channel, granted=granted, source="staff"
            )
            guest.consent.append((channel, granted))

    def visits(self, guest: Guest) -> None:
        rng = self.rng
        times = sorted(self.moment() for _ in range(rng.choice([0, 1, 1, 2, 3, 5, 9])))
        for number, at in enumerate(times, 1):
            lines = [{"name": name, "category": category, "quantity": 1, "unit_price": 1, "total_price": 1}
                     for name, category in rng.sample(ITEMS, rng.randrange(3))]  # fmt: skip
            total = Decimal(rng.choice([0, 50_000, 400_000, 500_000, 3_000_000, 60_000_000]))
            facts = {"visit_type": rng.choice(Visit.VisitType.values), "outlet_id": rng.choice(self.outlets).pk,
                     "payment_method": rng.choice(["", *Visit.PaymentMethod.values]), "items": lines}  # fmt: skip
            voided = self.now if rng.random() < 0.15 else None
            Visit.objects.create(
                customer_id=guest.pk,
                visit_number=number,
                visit_date=at,
                total_amount=total,
                voided_at=voided,
                **facts,
            )
            if not voided:
                guest.visits.append(Seen(at, {**facts, "amount": total}))
        figures = {
            "total_visits": len(guest.visits), "last_visit_number": len(times),
            "lifetime_spent": sum((seen.facts["amount"] for seen in guest.visits), Decimal(0)),
            "first_visit_at": min((seen.at for seen in guest.visits), default=None),
            "last_visit_at": max((seen.at for seen in guest.visits), default=None),
            "tier": rng.choice(["bronze", "silver", "gold", "platinum"]),
            "segment": rng.choice(["new", "occasional", "regular", "vip"]),
        }  # fmt: skip
        CustomerSummary.objects.filter(pk=guest.pk).update(**figures)
        guest.facts |= figures

    def heard(self, guest: Guest) -> None:
        rng = self.rng
        for _ in range(rng.choice([0, 0, 1, 2])):
            seen = Seen(
                self.moment(), {"rating": rng.randrange(1, 6), "status": rng.choice(["open", "resolved"])}
            )
            Feedback.objects.create(
                customer_id=guest.pk, source="manual", by_staff=True, created_at=seen.at, **seen.facts
            )
            guest.feedback.append(seen)
        for number in range(rng.choice([0, 1, 3])):
            facts = {
                "state": rng.choice(["queued", "sent", "delivered", "failed"]),
                "kind": rng.choice(["test", "campaign"]),
            }
            seen = Seen(self.moment(), facts)
            Message.objects.create(
                customer_id=guest.pk, purpose="marketing", recipient="+989120000000", body="x", parts=1,
                created_at=seen.at, expires_at=self.now + timedelta(days=1), sent_at=seen.at,
                provider_message_id=f"{guest.pk}{number}", **seen.facts,
            )  # fmt: skip
            guest.messages.append(seen)
        for number in range(rng.choice([0, 1, 2])):
            link = ShortLink.objects.create(
                code=f"w{guest.pk.hex[-10:]}{number}", customer_id=guest.pk, url="x"
            )
            for _ in range(rng.randrange(3)):
                seen = Seen(self.moment(), {"is_machine": rng.random() < 0.4})
                LinkClick.objects.create(link=link, at=seen.at, **seen.facts)
                guest.clicks.append(seen)

    def club(self, guest: Guest) -> None:
        rng = self.rng
        today = self.now.astimezone(self.locale.tz).date()
        days = sorted(rng.sample([1, 5, 14, 15, 40, 300], rng.randrange(3)))
        guest.lots = [(today + timedelta(days=day), rng.randrange(1, 900)) for day in days]
        if guest.lots and rng.random() < 0.5:
            guest.lots.append((None, 70))
        balance = sum(points for _day, points in guest.lots)
        if guest.lots:
            LoyaltyAccount.objects.create(
                customer_id=guest.pk, balance=balance, points_earned_total=balance + 10, points_redeemed_total=10,
                lot_expiries=[day for day, _points in guest.lots], lot_points=[points for _day, points in guest.lots],
                next_expiry_on=guest.lots[0][0], last_sequence=1,
            )  # fmt: skip
        guest.facts |= {"points": balance, "points_earned": balance + 10 if guest.lots else 0}
        CustomerSummary.objects.filter(pk=guest.pk).update(points=balance)
        for number in range(rng.choice([0, 0, 1, 2])):
            seen = Seen(self.moment(), {"status": rng.choice(["issued", "used"])})
            Voucher.objects.create(
                customer_id=guest.pk, code=f"{guest.pk.hex[-9:]}{number}".upper(), name="x", source="gift",
                kind="amount", value=1, created_at=seen.at,
                used_at=self.now if seen.facts["status"] == "used" else None, **seen.facts,
            )  # fmt: skip
            guest.vouchers.append(seen)
        for visit in Visit.objects.filter(customer_id=guest.pk):
            if rng.random() < 0.3:
                seen = Seen(self.moment(), {"reversed": rng.random() < 0.3})
                DiscountUse.objects.create(
                    code=self.code, customer_id=guest.pk, visit=visit, amount=1, created_at=seen.at,
                    reversed_at=self.now if seen.facts["reversed"] else None,
                )  # fmt: skip
                guest.codes.append(seen)
        if rng.random() < 0.6:
            scores = {
                "recency": rng.randrange(1, 6),
                "frequency": rng.randrange(1, 6),
                "monetary": rng.randrange(1, 6),
            }
            group = rng.choice(GROUPS)[0]
            RfmScore.objects.create(customer_id=guest.pk, group=group, group_since=today, **scores)
            guest.facts["rfm"] = {**scores, "group": group}
        if rng.random() < 0.4:
            SegmentMembership.objects.create(segment=self.static, customer_id=guest.pk)
            guest.lists.add("handmade")
