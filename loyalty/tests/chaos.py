"""One café in which everything of the club happens in any order; after every step all books agree."""

import contextlib
import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from unittest import mock

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from checkout.services import VisitRequest, edit_visit, move_visit, record_visit, restore_visit, void_visit
from checkout.services.request import VisitItem
from checkout.tests.invariants import assert_books_agree
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer, MergeRecord, Visit
from customers.services import create_customer
from loyalty.models import (
    BonusRule,
    DiscountCode,
    LoyaltyProgram,
    Referral,
    ReviewItem,
    Reward,
    StampCard,
    Voucher,
)
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import adjust_points, award_points, redeem_points
from loyalty.services.codes import create_code
from loyalty.services.expiry import expire_points, warn_expiring
from loyalty.services.program import update_program
from loyalty.services.referral import enter_referral, refuse_referral, release_referral
from loyalty.services.review_decisions import dismiss_review, reverse_review, watch_review
from loyalty.services.review_signals import find_nightly
from loyalty.services.rewards import create_reward, redeem_reward
from loyalty.services.stamp_cards import create_stamp_card
from loyalty.services.tier_review import review_tiers
from loyalty.services.vouchers import cancel_voucher, expire_vouchers, use_voucher
from servaan_crm.core.errors import DomainError
from servaan_crm.core.events import dispatch_pending

MENU = ("لاته", "کیک ☕", "Espresso")
# Ends of years and of months in both calendars, the leap day of 1403, a midnight in Tehran.
MOMENTS = [
    dt.datetime(2025, 3, 20, 20, 29, tzinfo=dt.UTC),
    dt.datetime(2025, 3, 20, 20, 31, tzinfo=dt.UTC),
    dt.datetime(2025, 12, 31, 18, 29, tzinfo=dt.UTC),
    dt.datetime(2026, 1, 1, 0, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 2, 28, 23, 59, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 20, 20, 30, tzinfo=dt.UTC),
    dt.datetime(2028, 2, 29, 12, 0, tzinfo=dt.UTC),
]
SHELF = 6
seldom = st.sampled_from([False, False, False, True])
picks = st.integers(0, 40)
amounts = st.one_of(st.integers(0, 2_000_000), st.sampled_from([0, 1, 999, 1000, 99_999, 5_000_000]))
points = st.one_of(st.integers(1, 800), st.sampled_from([1, 100, 10_000_000]))


class Club(RuleBasedStateMachine):
    """Subclasses set ``cast`` (the café) and ``phones`` (three numbers of its country)."""

    cast = None
    # What went through, by the name of the service.
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    phones: tuple[str, ...] = ()

    def __init__(self):
        super().__init__()
        self.now = MOMENTS[0]
        self.ends = contextlib.ExitStack()
        self.ends.enter_context(transaction.atomic())
        self.ends.enter_context(mock.patch("django.utils.timezone.now", self.clock))
        for model in apps.get_models():
            fields = {field.name: field for field in model._meta.concrete_fields}
            if "created_at" in fields and fields["created_at"].has_default():
                self.ends.enter_context(mock.patch.object(fields["created_at"], "_get_default", self.clock))
        self.actor = self.cast.owner.actor

    def clock(self):
        return self.now

    def teardown(self):
        transaction.set_rollback(True)
        self.ends.close()

    @initialize(
        months=st.sampled_from([None, 1, 12]),
        start=st.sampled_from(MOMENTS),
        basis=st.sampled_from(LoyaltyProgram.TierBasis.values),
    )
    def open_the_club(self, months, start, basis):
        """Put a program with everything in it in force, and three guests in the book."""
        self.now = start
        LoyaltyProgram.objects.update(
            expiry_months=months, tier_basis=basis, tier_period_months=3, tier_grace_days=2, amount_per_point=1000,
            point_value=100, referral_is_active=True, referrer_points=70, friend_points=30, max_points_per_day=2500,
        )  # fmt: skip
        BonusRule.objects.create(name="x2", kind="multiplier", factor=2, weekdays=[4])
        BonusRule.objects.create(name="+", kind="points", points=15, items=[MENU[0]])
        BonusRule.objects.create(name="3", kind="points", points=9, every_nth_visit=3)
        terms = {
            "kind": "amount",
            "value": Decimal(5000),
            "points_cost": 60,
            "stock": SHELF,
            "voucher_days": 20,
        }
        self.reward = create_reward(actor=self.actor, values={"name": "هدیه 🎁", **terms})
        create_stamp_card(actor=self.actor, values={"name": "v", "stamps_needed": 3, "points": 25})
        create_stamp_card(
            actor=self.actor,
            values={
                "name": "i",
                "stamps_needed": 2,
                "counts": "items",
                "items": [MENU[0]],
                "reward": self._free(),
            },
        )
        create_code(
            actor=self.actor,
            values={
                "code": "TEN",
                "kind": "percent",
                "value": Decimal(10),
                "max_uses": 5,
                "max_uses_per_guest": 2,
            },
        )
        for n, phone in enumerate(self.phones):
            create_customer(actor=self.actor, phone=phone, name=f"مهمان {n} 🙂")

    def _free(self):
        values = {"name": "رایگان", "kind": "amount", "value": Decimal(3000), "points_cost": 1}
        return create_reward(actor=self.actor, values=values)

    def attempt(self, action, *args, **kwargs):
        """Do something; a refusal must leave nothing behind, which the invariants see."""
        try:
            with transaction.atomic():
                action(*args, **kwargs)
        except (DomainError, ValidationError) as refusal:
            why = getattr(refusal, "code", None) or "INVALID"
            self.refused[f"{action.__name__} {why}"] += 1
        else:
            self.done[action.__name__] += 1

    def pick(self, model, n, **filters):
        rows = list(model.objects.filter(**filters).order_by("pk").values_list("pk", flat=True))
        return rows[n % len(rows)] if rows else None

    def somebody(self, n):
        return self.pick(Customer, n, deleted_at=None)

    @rule(
        who=picks, amount=amounts, percent=st.sampled_from([0, 0, 50, 100]),
        pay=st.sampled_from([0, 0, 0, 0, 1, 40, 500]),
        item=st.sampled_from([None, *MENU]), code=seldom, voucher=st.booleans(), reward=seldom,
        days=st.sampled_from([0, 0, 0, 1, 40]),
    )  # fmt: skip
    def visit(self, who, amount, percent, pay, item, code, voucher, reward, days):
        guest = self.somebody(who)
        held = (
            Voucher.objects.filter(customer_id=guest, status="issued").order_by("pk").first()
            if voucher
            else None
        )
        lines = (VisitItem(item, 1, Decimal(amount), Decimal(amount)),) if item and amount else ()
        request = VisitRequest(
            customer_id=guest, total_amount=Decimal(amount), discount_amount=Decimal(amount * percent // 100),
            items=lines, points_to_redeem=pay, discount_code="TEN" if code else "",
            voucher_codes=(held.code,) if held else (), reward_id=self.reward.pk if reward else None,
            visit_date=self.now - dt.timedelta(days=days) if days else None,
        )  # fmt: skip
        self.attempt(record_visit, actor=self.actor, request=request, may_backdate=True)

    @rule(who=picks, amount=st.integers(1000, 300_000), item=st.sampled_from([None, *MENU]))
    def plain_visit(self, who, amount, item):
        lines = (VisitItem(item, 1, Decimal(amount), Decimal(amount)),) if item else ()
        request = VisitRequest(customer_id=self.somebody(who), total_amount=Decimal(amount), items=lines)
        self.attempt(record_visit, actor=self.actor, request=request)

    @rule(digit=st.integers(0, 9))
    def new_guest(self, digit):
        phone = self.phones[0][:-2] + f"7{digit}"
        self.attempt(create_customer, actor=self.actor, phone=phone, name=f"تازه {digit}")

    @rule(amount=amounts)
    def walk_in(self, amount):
        self.attempt(record_visit, actor=self.actor, request=VisitRequest(total_amount=Decimal(amount)))

    @rule(n=picks)
    def void(self, n):
        if visit := self.pick(Visit, n):
            self.attempt(void_visit, actor=self.actor, visit_id=visit, may_void_old=True)

    @rule(n=picks)
    def restore(self, n):
        if visit := self.pick(Visit, n, voided_at__isnull=False):
            self.attempt(restore_visit, actor=self.actor, visit_id=visit, may_edit_old=True)

    @rule(n=picks, amount=amounts)
    def edit(self, n, amount):
        if visit := self.pick(Visit, n):
            changes = {"total_amount": Decimal(amount)}
            self.attempt(edit_visit, actor=self.actor, visit_id=visit, changes=changes, may_edit_old=True)

    @rule(n=picks, who=picks)
    def move(self, n, who):
        if visit := self.pick(Visit, n):
            target = self.somebody(who)
            self.attempt(
                move_visit, actor=self.actor, visit_id=visit, to_customer_id=target, may_edit_old=True
            )

    @rule(who=picks, count=points)
    def redeem(self, who, count):
        self.attempt(
            redeem_points, actor=self.actor, customer_id=self.somebody(who), points=count, reward_type="item"
        )

    @rule(who=picks, count=st.integers(-900, 1500))
    def adjust(self, who, count):
        self.attempt(
            adjust_points, actor=self.actor, customer_id=self.somebody(who), points=count, reason="☕"
        )

    @rule(who=picks, count=points)
    def award(self, who, count):
        self.attempt(
            award_points, actor=self.actor, customer_id=self.somebody(who), points=count, reason="☕"
        )

    @rule(who=picks)
    def buy_reward(self, who):
        self.attempt(
            redeem_reward, actor=self.actor, customer_id=self.somebody(who), reward_id=self.reward.pk
        )

    @rule(n=picks)
    def cancel_or_use_voucher(self, n):
        if voucher := self.pick(Voucher, n):
            if n % 2:
                self.attempt(cancel_voucher, actor=self.actor, voucher_id=voucher, may_cancel_gifts=True)
            else:
                self.attempt(use_voucher, actor=self.actor, voucher_id=voucher, total=Decimal(9000))

    @rule(seed=st.integers(0, 2**32))
    def busy_evening(self, seed):
        """Five things that make sense one after the other; Hypothesis alone comes back to few rules too often."""
        chance = random.Random(seed)
        pick = lambda: chance.randrange(40)  # noqa: E731
        amount = lambda: chance.choice([999, 1000, 45_000, 250_000, 3_000_000])  # noqa: E731
        things = [
            lambda: self.plain_visit(pick(), amount(), chance.choice([None, *MENU])),
            lambda: self.visit(pick(), amount(), 0, chance.choice([0, 0, 1, 30]), MENU[0], chance.random() < 0.3,
                               chance.random() < 0.5, chance.random() < 0.3, chance.choice([0, 1, 40])),
            lambda: self.edit(pick(), amount()),
            lambda: self.void(pick()),
            lambda: self.restore(pick()),
            lambda: self.move(pick(), pick()),
            lambda: self.buy_reward(pick()),
            lambda: self.cancel_or_use_voucher(pick()),
            lambda: self.redeem(pick(), chance.choice([1, 20, 100])),
            lambda: self.refer(chance.randrange(10), pick()),
            lambda: self.decide_referral(pick()),
            lambda: self.decide_review(pick()),
            lambda: self.new_guest(chance.randrange(10)),
            lambda: (self.merge(pick(), pick()), chance.random() < 0.5 and self.undo(pick())),
            lambda: self.time_passes(chance.choice([0, 1, 29, 31]), 7, True),
            lambda: self.events_arrive(),
        ]  # fmt: skip
        for thing in chance.choices(things, weights=[5, 3, *[1] * (len(things) - 2)], k=5):
            thing()
            self.everything_agrees()

    @rule(days=st.sampled_from([0, 1, 6, 29, 31, 93, 366]), hours=st.integers(0, 23), works=st.booleans())
    def time_passes(self, days, hours, works):
        """Go on by some time; the nightly jobs come, or do not."""
        self.now += dt.timedelta(days=days, hours=hours)
        if works:
            self.night()

    @rule()
    def night(self):
        expire_points()
        warn_expiring()
        expire_vouchers()
        review_tiers()
        find_nightly()
        assert expire_points() == 0
        assert expire_vouchers() == 0

    @rule()
    def events_arrive(self):
        dispatch_pending()

    @rule(one=picks, two=picks)
    def merge(self, one, two):
        kept, merged = self.somebody(one), self.somebody(two)
        self.attempt(merge_customers, actor=self.actor, kept_id=kept, merged_id=merged)

    @rule(n=picks)
    def undo(self, n):
        if record := self.pick(MergeRecord, n, undone_at=None):
            self.attempt(undo_merge, actor=self.actor, merge_id=record)

    @rule(digit=st.integers(0, 9), who=picks)
    def refer(self, digit, who):
        phone = self.phones[0][:-2] + f"9{digit}"
        self.attempt(
            enter_referral,
            actor=self.actor,
            referrer_id=self.somebody(who),
            friend_phone=phone,
            friend_name="دوست ☕",
        )

    @rule(n=picks)
    def decide_referral(self, n):
        if referral := self.pick(Referral, n):
            if n % 2:
                self.attempt(release_referral, actor=self.actor, referral_id=referral)
            else:
                self.attempt(refuse_referral, actor=self.actor, referral_id=referral, reason="☕")

    @rule(n=picks)
    def decide_review(self, n):
        if review := self.pick(ReviewItem, n):
            decide = (dismiss_review, watch_review, reverse_review, reverse_review)[n % 4]
            self.attempt(decide, actor=self.actor, review_id=review)

    @rule(who=picks, blocked=seldom)
    def block(self, who, blocked):
        Customer.objects.filter(pk=self.somebody(who)).update(status="blocked" if blocked else "active")

    @rule(months=st.sampled_from([None, 1, 3, 12]), basis=st.sampled_from(LoyaltyProgram.TierBasis.values))
    def change_the_program(self, months, basis):
        self.attempt(update_program, actor=self.actor, changes={"expiry_months": months, "tier_basis": basis})

    @precondition(lambda self: hasattr(self, "reward"))
    @invariant()
    def everything_agrees(self):
        assert list(find_wrong_accounts()) == []
        assert_books_agree()
        shelf = Reward.objects.get(pk=self.reward.pk).stock
        taken = Voucher.objects.filter(reward=self.reward).exclude(status="cancelled").count()
        assert shelf == SHELF - taken, f"{shelf} on the shelf, {taken} of {SHELF} taken"
        code = DiscountCode.objects.get(code="TEN")
        assert code.times_used <= code.max_uses
        assert StampCard.objects.count() == 2
        assert timezone.now() == self.now
