"""A guest who asks to be forgotten leaves no word and no number anywhere; the café's figures stay."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit
from customers.models import (
    BulkOperation,
    Customer,
    CustomField,
    ImportJob,
    ImportReject,
    RecentSearch,
    SavedView,
    Tag,
    Visit,
)
from customers.services import create_customer, restore_customer, update_customer
from customers.services.consent import set_consent
from customers.services.family import add_family_member
from customers.services.notes import add_note, change_note, delete_note
from customers.services.privacy import erase_customer
from feedback.services import answer_feedback, record_feedback
from loyalty.models import LedgerEntry
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services.points import award_points
from outreach.calls.services import NewCall, add_call
from outreach.services import log_interaction
from servaan_crm.core.errors import DomainError
from servaan_crm.core.events import dispatch_pending
from servaan_crm.core.models import AuditEntry, Event
from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.models import InboundMessage, Message
from servaan_crm.messaging.services import queue_message

MARK = "زمرداندیش"
LATIN = "zmrdndsh"
PHONE, DIGITS = "09127654321", "9127654321"


def traces(schema):
    """Return (table, column) of every text or JSON column of the schema that still tells who it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s AND data_type IN"
            " ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'USER-DEFINED', 'inet')"
            " AND table_name NOT IN (SELECT viewname FROM pg_views WHERE schemaname = %s)",
            [schema, schema],
        )
        found = []
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{schema}"."{table}" WHERE "{column}"::text ~ %s',
                [f"{MARK}|{LATIN}|{DIGITS}|7654 ?321"],
            )
            if cursor.fetchone()[0]:
                found.append((table, column))
    return found


def plant(cafe):
    """Enter a guest with words in every corner."""
    actor = cafe.manager.actor
    tag = Tag.objects.create(name="گیاه‌خوار")
    CustomField.objects.create(key="job", label="شغل", kind="text")
    made = cafe.api().post(
        "/api/crm/customers",
        {"phone": PHONE, "name": f"{MARK} یک", "notes": MARK, "email": f"{LATIN}@example.com"},
        format="json",
        headers={"Idempotency-Key": "once"},
    )
    customer = Customer.objects.get(pk=made.json()["data"]["customer"]["id"])
    changes = {"custom": {"job": MARK}, "preferences": {"allergies": [MARK]}, "address": MARK, "tags": [tag]}
    update_customer(
        actor=actor, customer_id=customer.pk, expected_version=None, changes={**changes, "name": f"{MARK} دو"}
    )
    bill = VisitRequest(customer_id=customer.pk, total_amount=Decimal(1_000_000), notes=MARK)
    visit = record_visit(actor=actor, request=bill).visit
    gift = {"reason": f"هدیهٔ {MARK}", "reference": LATIN, "notes": f"{MARK} گفت"}
    award_points(actor=actor, customer_id=customer.pk, points=50, **gift)
    add_note(actor=actor, customer_id=customer.pk, text=MARK, is_pinned=True)
    gone = add_note(actor=actor, customer_id=customer.pk, text=f"{MARK} رفت")
    change_note(actor=actor, customer_id=customer.pk, note_id=gone.pk, text=f"{MARK} رفتنی")
    delete_note(actor=actor, customer_id=customer.pk, note_id=gone.pk)
    add_family_member(
        actor=actor, customer_id=customer.pk, values={"name": MARK, "relationship": "child", "phone": PHONE}
    )
    set_consent(actor=actor, customer_id=customer.pk, channel="sms", granted=False, source="staff")
    queue_message(
        recipient=customer.phone,
        body=f"سلام {MARK}",
        kind="x",
        purpose="transactional",
        customer_id=customer.pk,
    )
    InboundMessage.objects.create(provider="kavenegar", provider_message_id="1", sender=PHONE, body=MARK)
    said = record_feedback(actor=actor, rating=1, source="manual", visit_id=visit.pk, comment=MARK)
    answer_feedback(actor=actor, feedback_id=said.pk, response_text=f"{MARK} جان")
    log_interaction(
        actor=actor, customer_id=customer.pk, type="call", direction="inbound", subject=MARK, details=MARK
    )
    add_call(actor=actor, call=NewCall(customer.pk, "follow_up", date(2026, 3, 1), hint=f"{MARK} گله داشت"))
    RecentSearch.objects.create(user=cafe.manager, query=MARK)
    RecentSearch.objects.create(user=cafe.staff, query="۷۶۵۴۳۲۱")
    SavedView.objects.create(user=cafe.manager, name="x", query=f"search={DIGITS}&segment=vip")
    BulkOperation.objects.create(
        action="set_status", changed_ids=[customer.pk], before_status=["active"], before_reason=[MARK],
        query=f"search={LATIN}&sort=name", actor_name="x",
    )  # fmt: skip
    job = ImportJob.objects.create(file_name="x.csv", digest="x")
    ImportReject.objects.create(job=job, row_number=2, reasons=["x"], raw=[PHONE, MARK])
    content = ContentType.objects.get_for_model(Customer)
    LogEntry.objects.create(
        user_id=cafe.manager.pk,
        content_type=content,
        object_id=str(customer.pk),
        object_repr=MARK,
        action_flag=CHANGE,
    )
    dispatch_pending()
    return customer


def test_nothing_tells_who_it_was(cafe):
    customer = plant(cafe)
    twin = create_customer(actor=cafe.manager.actor, phone="09121111111", name="کسی دیگر", notes="می‌ماند")
    absorbed = Customer.objects.create(phone="+989127654321", name=f"{MARK} سه", deleted_at=timezone.now())
    Customer.objects.filter(pk=absorbed.pk).update(merged_into=customer)
    before = traces(cafe.cafe.schema_name)
    for table in (
        "customers_customer",
        "core_auditentry",
        "core_event",
        "messaging_message",
        "outreach_interaction",
        "outreach_calltask",
        "loyalty_ledgerentry",
    ):
        assert table in {name for name, _column in before}, table
    figures = (
        Visit.objects.count(),
        LedgerEntry.objects.count(),
        Customer.objects.get(pk=customer.pk).summary.points,
    )

    answer = cafe.api("owner").post(
        f"/api/crm/customers/{customer.pk}/erase", {"confirm": True}, format="json"
    )
    assert answer.status_code == 200, answer.json()
    dispatch_pending()

    assert traces(cafe.cafe.schema_name) == []
    assert not list(find_wrong_accounts())
    customer.refresh_from_db()
    assert customer.phone.startswith("+999")
    assert customer.erased_at
    assert customer.deleted_at
    assert figures == (Visit.objects.count(), LedgerEntry.objects.count(), customer.summary.points)
    assert Message.objects.get(customer_id=customer.pk, kind="x").state == "cancelled"
    assert SavedView.objects.get().query == "segment=vip"
    twin.refresh_from_db()
    assert (twin.notes, twin.version) == ("می‌ماند", 1)
    with pytest.raises(DomainError):
        restore_customer(actor=cafe.manager.actor, customer_id=customer.pk)
    assert cafe.api().get(f"/api/crm/customers/{customer.pk}").status_code == 404
    page = cafe.browser("manager").get(f"/customers/{customer.pk}/").content.decode()
    assert f"/customers/{customer.pk}/restore/" not in page


def test_the_trail_says_that_it_was_erased_and_cannot_be_changed_otherwise(cafe):
    customer = plant(cafe)
    erase_customer(actor=cafe.owner.actor, customer_id=customer.pk)
    last = AuditEntry.objects.filter(table_name="customers_customer", row_id=str(customer.pk)).latest("pk")
    assert (last.actor_name, bool(last.new["erased_at"]), last.new["name"]) == (cafe.owner.name, True, None)
    with pytest.raises(Exception, match="append-only"):
        AuditEntry.objects.update(actor_name="x")


@pytest.mark.parametrize(
    ("role", "status"), [("staff", 403), ("agent", 403), ("integrator", 403), ("manager", 200)]
)
def test_who_may_erase(cafe, role, status):
    customer = create_customer(actor=cafe.manager.actor, phone=PHONE, name="سارا کریمی")
    url = f"/api/crm/customers/{customer.pk}/erase"
    assert cafe.api(role).post(url, {"confirm": False}, format="json").status_code in (400, 403)
    assert cafe.api(role).post(url, {"confirm": True}, format="json").status_code == status


def test_erasing_twice_at_once_happens_once(fresh_cafe):
    cast = fresh_cafe()
    customer = create_customer(actor=cast.manager.actor, phone=PHONE, name="سارا کریمی")
    start, problems = threading.Barrier(2), []

    def erase():
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                start.wait()
                erase_customer(actor=cast.owner.actor, customer_id=customer.pk)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=erase) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert Event.objects.filter(name="customer.erased").count() == 1
    assert Customer.objects.filter(pk=customer.pk, version=F("version")).get().version == 2
