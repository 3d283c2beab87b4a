"""Transactions of services."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from servaan_crm.core.actors import Actor
from servaan_crm.core.context import request_id


@contextmanager
def write(actor: Actor) -> Iterator[None]:
    """Open the transaction of a service that writes audited tables, and tell the audit triggers who acts.

    The setting is local to the transaction, so a pooled connection cannot carry it to the next caller.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('servaan.actor_id', %s, true), set_config('servaan.actor_name', %s, true),"
                " set_config('servaan.request_id', %s, true)",
                [str(actor.user_id or ""), actor.name, request_id.get()],
            )
        yield


def nobody() -> None:
    """Forget who acts, for the rest of the transaction: what follows has another author, or none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('servaan.actor_id', '', true), set_config('servaan.actor_name', '', true)"
        )
