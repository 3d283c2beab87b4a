"""Everything that is done to guests, at once and to the same four: nothing hangs or breaks, and the books agree."""

from __future__ import annotations

import os
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django_tenants.utils import tenant_context
from psycopg.errors import DeadlockDetected, LockNotAvailable

from checkout.services import VisitRequest, edit_visit, move_visit, record_visit, restore_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.imports.run import run_import
from customers.imports.services import start
from customers.imports.tests.helpers import upload
from customers.imports.undo import can_undo, request_undo, run_undo
from customers.merging.services import dismiss_duplicate, merge_customers, undo_merge
from customers.models import BulkOperation, Customer, FamilyMember, ImportJob, MergeRecord, Tag, Visit
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from customers.services.bulk import run_bulk, undo_bulk
from customers.services.consent import block_customer, set_consent, unblock_customer
from customers.services.family import add_family_member, remove_family_member
from customers.services.notes import add_note
from customers.services.privacy import erase_customer
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import award_points
from loyalty.services.tier_review import review_tiers
from outreach.services import log_interaction
from segments.services import refresh_guests
from servaan_crm.core.errors import DomainError
from servaan_crm.core.events import dispatch_pending
from servaan_crm.l10n.locale import use_locale

PHONES = [f"+98912111000{n}" for n in range(1, 5)]
THREADS = 8
# More of them when the order of locks was changed.
STEPS = int(os.environ.get("STORM_STEPS", "12"))
FILE = "نام,موبایل,شهر,برچسب,رضایت\n" + "".join(
    f"نام {n},{phone},تهران,همیشگی؛ شرکتی,{answer}\n"
    for n, (phone, answer) in enumerate(zip(PHONES, ("خیر", "بله", "خیر", "بله"), strict=True))
)
BILLS = "موبایل,مبلغ,تاریخ\n" + "".join(f"{phone},100000,1403/05/0{n}\n" for n, phone in enumerate(PHONES, 1))


@contextmanager
def _called_again() -> Iterator[None]:
    """A worker whose transaction PostgreSQL ended is called again by the sweep; nobody sees it."""
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, (DeadlockDetected, LockNotAvailable)):
            raise


class Hand:
    """One person, till or worker that does one thing after the other to whoever is there."""

    def __init__(self, cast: Any, seed: int) -> None:
        self.dice, self.actor = random.Random(seed), cast.manager.actor

    def guest(self) -> UUID:
        """A guest of the book, sometimes one who was deleted or merged."""
        rows = (
            Customer.objects.all() if self.dice.random() < 0.15 else Customer.objects.filter(deleted_at=None)
        )
        return self.one(rows)

    def one(self, rows: Any) -> UUID:
        ids = sorted(rows.order_by().values_list("pk", flat=True))
        return self.dice.choice(ids) if ids else UUID(int=0)

    def step(self) -> None:
        """Do one thing; a refusal is an answer."""
        with suppress(DomainError, ValidationError):
            self.dice.choice(DEEDS)(self)

    def till(self) -> None:
        request = VisitRequest(
            total_amount=Decimal(200_000), phone=self.dice.choice(PHONES), customer_name="مهمان پیشخوان"
        )
        record_visit(actor=self.actor, request=request)

    def void(self) -> None:
        void_visit(actor=self.actor, visit_id=self.one(Visit.objects.all()), may_void_old=True)

    def edit(self) -> None:
        amount = Decimal(self.dice.randrange(1, 9) * 50_000)
        edit_visit(actor=self.actor, visit_id=self.one(Visit.objects.all()), changes={"total_amount": amount},
                   may_edit_old=True)  # fmt: skip

    def put_back(self) -> None:
        gone = Visit.objects.exclude(voided_at=None)
        restore_visit(actor=self.actor, visit_id=self.one(gone), may_edit_old=True)

    def move(self) -> None:
        visit_id = self.one(Visit.objects.all())
        move_visit(actor=self.actor, visit_id=visit_id, to_customer_id=self.guest(), may_edit_old=True)

    def merge(self) -> None:
        merge_customers(actor=self.actor, kept_id=self.guest(), merged_id=self.guest())

    def unmerge(self) -> None:
        undo_merge(actor=self.actor, merge_id=self.one(MergeRecord.objects.filter(undone_at=None)))

    def not_twins(self) -> None:
        dismiss_duplicate(actor=self.actor, first_id=self.guest(), second_id=self.guest())

    def bulk(self) -> None:
        action, params = self.dice.choice([
            ("add_tag", {"tag": "همیشگی"}),
            ("remove_tag", {"tag": "همیشگی"}),
            ("set_status", {"status": "inactive"}),
            ("delete", {}),
        ])  # fmt: skip
        run_bulk(
            actor=self.actor, action=action, params=params, matches=Customer.objects.filter(deleted_at=None)
        )

    def unbulk(self) -> None:
        done = BulkOperation.objects.filter(undone_at=None)
        undo_bulk(actor=self.actor, bulk_id=self.one(done))

    def delete(self) -> None:
        delete_customer(actor=self.actor, customer_id=self.guest())

    def restore(self) -> None:
        restore_customer(actor=self.actor, customer_id=self.one(Customer.objects.exclude(deleted_at=None)))

    def block(self) -> None:
        block_customer(actor=self.actor, customer_id=self.guest(), reason="بدرفتاری")

    def unblock(self) -> None:
        unblock_customer(actor=self.actor, customer_id=self.guest())

    def erase(self) -> None:
        if self.dice.random() < 0.3:
            erase_customer(actor=self.actor, customer_id=self.guest())

    def take_file(self) -> None:
        kind, text = self.dice.choice([("customers", FILE), ("visits", BILLS)])
        lines = text.splitlines()
        body = lines[1:]
        self.dice.shuffle(body)
        job = upload("\n".join([lines[0], *body]) + "\n", kind=kind)
        start(actor=self.actor, job_id=job.pk, mapping=job.mapping, commit=True)
        with _called_again():
            run_import(job.pk)

    def give_file_back(self) -> None:
        for job in ImportJob.objects.order_by("-created_at")[:5]:
            if can_undo(job):
                request_undo(actor=self.actor, job_id=job.pk)
                job.refresh_from_db()
                with _called_again():
                    run_undo(job.undo.pk)
                return

    def note(self) -> None:
        add_note(actor=self.actor, customer_id=self.guest(), text="کم‌شیرین")

    def relative(self) -> None:
        add_family_member(
            actor=self.actor, customer_id=self.guest(), values={"name": "نگار", "relationship": "child"}
        )

    def no_relative(self) -> None:
        guest = self.guest()
        member = self.one(FamilyMember.objects.filter(customer_id=guest))
        remove_family_member(actor=self.actor, customer_id=guest, member_id=member)

    def consent(self) -> None:
        yes = self.dice.random() < 0.5
        set_consent(actor=self.actor, customer_id=self.guest(), channel="sms", granted=yes, source="staff")

    def change(self) -> None:
        changes = self.dice.choice(
            [{"name": "نام دیگر"}, {"phone": self.dice.choice(PHONES)}, {"city": "شیراز"}]
        )
        update_customer(actor=self.actor, customer_id=self.guest(), expected_version=None, changes=changes)

    def enter(self) -> None:
        create_customer(actor=self.actor, phone=self.dice.choice(PHONES), name="مهمان تازه")

    def award(self) -> None:
        award_points(actor=self.actor, customer_id=self.guest(), points=40, reason="هدیه")

    def call(self) -> None:
        log_interaction(
            actor=self.actor, customer_id=self.guest(), type="call", direction="outbound", details="سلام"
        )

    def judge(self) -> None:
        with _called_again():
            refresh_guests(Customer.objects.values_list("pk", flat=True))

    def events(self) -> None:
        with _called_again():
            dispatch_pending()

    def night(self) -> None:
        with _called_again():
            review_tiers()


DEEDS: list[Callable[[Hand], None]] = [
    Hand.till, Hand.till, Hand.till, Hand.void, Hand.edit, Hand.put_back, Hand.move, Hand.move, Hand.merge,
    Hand.merge, Hand.unmerge, Hand.unmerge, Hand.not_twins, Hand.bulk, Hand.unbulk, Hand.unbulk, Hand.delete,
    Hand.restore, Hand.block, Hand.unblock, Hand.erase, Hand.take_file, Hand.take_file, Hand.give_file_back,
    Hand.note, Hand.relative, Hand.no_relative, Hand.consent, Hand.change, Hand.enter, Hand.award, Hand.call,
    Hand.judge, Hand.events, Hand.night,
]  # fmt: skip


def _work(cast: Any, hand: Hand, gate: threading.Barrier, faults: list[str]) -> None:
    try:
        with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
            gate.wait(60)
            for _step in range(STEPS):
                try:
                    hand.step()
                except Exception as error:
                    faults.append("".join(traceback.format_exception(error)))
    finally:
        connection.close()


def test_everything_at_once_to_the_same_four_guests(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    seed = int(os.environ.get("STORM_SEED", "0")) or random.SystemRandom().randrange(1_000_000)
    for name in ("همیشگی", "شرکتی"):
        Tag.objects.create(name=name)
    for phone in PHONES:
        for _visit in range(2):
            request = VisitRequest(
                total_amount=Decimal(500_000), phone=phone, customer_name=f"مهمان {phone[-1]}"
            )
            record_visit(actor=cast.manager.actor, request=request)
    gate, faults = threading.Barrier(THREADS), list[str]()
    threads = [
        threading.Thread(target=_work, args=(cast, Hand(cast, seed + n), gate, faults), daemon=True)
        for n in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not any(thread.is_alive() for thread in threads), seed
    assert faults == [], seed
    dispatch_pending()
    assert_books_agree()
    assert list(find_wrong_accounts()) == []
