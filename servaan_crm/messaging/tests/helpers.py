"""Shortcuts of the room's tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection
from django_tenants.utils import tenant_context

from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import MessageDraft, queue_messages


def draft(number: int = 0, **fields: Any) -> MessageDraft:
    """A thank-you text for the guest with this number."""
    values = {
        "recipient": f"+98912{number:07}",
        "body": f"سپاس از شما {number}",
        "kind": "first_visit_thanks",
        "purpose": "transactional",
    }
    return MessageDraft(**(values | fields))


def queue(count: int = 1, **fields: Any) -> list[UUID]:
    """Queue ``count`` texts for different guests."""
    return queue_messages([draft(number, **fields) for number in range(count)])


def states() -> dict[str, int]:
    """State → number of messages."""
    counts: dict[str, int] = {}
    for state in Message.objects.values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts


def run_in_threads(work: Callable[[], Any], count: int) -> list[Any]:
    """Run ``work`` in ``count`` threads of the current café at once; returns results, raises what they raise."""
    cafe = connection.tenant
    start = threading.Barrier(count)
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with tenant_context(cafe):
                start.wait()
                results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def due_now() -> None:
    """Let every waiting message and every question be due at once."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_message SET not_before = now() WHERE state = 'queued'")
        cursor.execute("UPDATE messaging_message SET next_check_at = now() WHERE next_check_at IS NOT NULL")
