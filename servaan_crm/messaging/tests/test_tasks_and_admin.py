"""Thin shells: the tasks run inside their café, the admin shows the outbox and changes nothing in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from servaan_crm.core.tasks import NoCafeError
from servaan_crm.messaging import selectors, services, tasks
from servaan_crm.messaging.models import Message, ProviderAccount
from servaan_crm.messaging.tests.helpers import draft, due_now, queue, states
from servaan_crm.messaging.tests.loopback import Loopback


def test_tasks_carry_a_message_to_its_end(outbox: Loopback) -> None:
    schema = connection.schema_name
    outbox.server.store.pace = 1000
    queue(3)
    outbox.control("cut-before")
    assert tasks.dispatch_outbox(schema_name=schema) == 3
    assert states() == {"unknown": 3}
    due_now()
    assert tasks.reconcile_unknown(schema_name=schema)["requeued"] == 3
    assert states() == {"sent": 3}
    outbox.control("hurry", seconds=5000)
    due_now()
    assert tasks.poll_deliveries(schema_name=schema) == 3
    assert states() == {"delivered": 3}


@pytest.mark.parametrize("task", [tasks.dispatch_outbox, tasks.reconcile_unknown, tasks.poll_deliveries])
def test_tasks_refuse_to_run_without_a_cafe(task: Any) -> None:
    with pytest.raises(NoCafeError):
        task()


def test_unknown_messages_of_a_removed_account_end_some_day(outbox: Loopback) -> None:
    queue(2)
    first, second = Message.objects.all()
    values = {"state": "unknown", "provider_account": "5b0d4f0e-0000-7000-8000-000000000000"}
    Message.objects.filter(pk=first.pk).update(claimed_at=timezone.now() - timedelta(days=3), **values)
    Message.objects.filter(pk=second.pk).update(claimed_at=timezone.now(), **values)
    Message.objects.update(next_check_at=timezone.now())
    assert services.reconcile_unknown()["given_up"] == 1
    assert states() == {"failed": 1, "unknown": 1}


def test_health_tells_that_nothing_can_be_sent(outbox: Loopback, settings: Any) -> None:
    assert selectors.get_outbox_health()["has_account"] is True
    settings.KAVENEGAR_API_KEY = ""
    assert selectors.get_outbox_health()["has_account"] is False


def test_admin_shows_the_outbox_and_refuses_changes(cafe: Any) -> None:
    (pk,) = services.queue_messages([draft(1)])
    ProviderAccount.objects.create(name="line", adapter="kavenegar", api_key="very-secret-key")
    provider = ProviderAccount.objects.get()
    browser = cafe.browser("owner")
    pages = [
        "/admin/messaging/message/",
        f"/admin/messaging/message/{pk}/change/",
        "/admin/messaging/gatewaystate/",
        "/admin/messaging/inboundmessage/",
        "/admin/messaging/provideraccount/add/",
        f"/admin/messaging/provideraccount/{provider.pk}/change/",
    ]
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert "very-secret-key" not in answer.content.decode()
    assert browser.post(f"/admin/messaging/message/{pk}/change/", {"state": "sent"}).status_code == 403
    assert browser.get("/admin/messaging/message/add/").status_code == 403
    with tenant_context(cafe.cafe):
        assert Message.objects.get(pk=pk).state == "queued"
