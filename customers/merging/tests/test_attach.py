"""What is attached to a guest while a merge runs goes where the guest goes: real threads, committed data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django_tenants.utils import tenant_context

from customers.merging import services
from customers.merging.services import merge_customers
from customers.models import Customer, CustomerNote
from customers.services.notes import add_note
from customers.tests.factories import ACTOR, make_customer, make_visit
from feedback.models import Feedback
from feedback.services import record_feedback
from outreach.models import Interaction
from outreach.services import log_interaction
from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import queue_message


def _message(customer_id: UUID) -> None:
    queue_message(
        recipient="+989120000002", body="سلام", kind="test", purpose="transactional", customer_id=customer_id
    )


def _about_a_visit(customer_id: UUID) -> None:
    visit = Customer.objects.get(pk=customer_id).visits.get()
    record_feedback(actor=ACTOR, rating=5, source="manual", visit_id=visit.pk)


WRITERS: dict[str, tuple[Any, Callable[[UUID], Any]]] = {
    "note": (CustomerNote, lambda pk: add_note(actor=ACTOR, customer_id=pk, text="کنار پنجره")),
    "contact": (
        Interaction,
        lambda pk: log_interaction(actor=ACTOR, customer_id=pk, type="call", direction="inbound"),
    ),
    "feedback": (
        Feedback,
        lambda pk: record_feedback(actor=ACTOR, rating=5, source="manual", customer_id=pk),
    ),
    "feedback of a visit": (Feedback, _about_a_visit),
    "message": (Message, _message),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_row_written_while_a_merge_runs_is_the_kept_guests(
    fresh_cafe: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merge has moved all rows and not committed yet; only now somebody writes to the guest that goes."""
    cast = fresh_cafe()
    kept, merged = make_customer(1), make_customer(2)
    make_visit(merged, 500_000)
    model, write = WRITERS[kind]
    moved, errors = threading.Event(), []

    def attach() -> None:
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                moved.wait(30)
                write(merged.pk)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=attach)
    settle = services._settle

    def slow(merge: Any) -> None:
        settle(merge)
        moved.set()
        # It must wait for this transaction; one that does not has all the time in the world to write.
        thread.join(1.5)

    monkeypatch.setattr(services, "_settle", slow)
    thread.start()
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    thread.join(30)
    assert errors == []
    assert list(model.objects.values_list("customer_id", flat=True)) == [kept.pk]
