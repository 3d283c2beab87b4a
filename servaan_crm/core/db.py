"""Transactions of services."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction
from django.db.utils import OperationalError
from psycopg.errors import DeadlockDetected

from servaan_crm.core.actors import Actor
from servaan_crm.core.context import request_id

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
TRIES = 5


def survives_deadlock(service: Callable[P, R]) -> Callable[P, R]:
    """Make a service that opens its own transaction run again when PostgreSQL ended it to resolve a deadlock.

    Nothing of the first try remains, so the second is the same request a moment later. A log line tells of it: locks
    are meant to be taken in one order. Inside somebody else's transaction the error passes, for that one is lost too.
    """

    @wraps(service)
    def patient(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TRIES):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not isinstance(error.__cause__, DeadlockDetected):
                    raise
                log.warning("%s: deadlock, trying again (%d)", service.__qualname__, attempt)
                time.sleep(random.uniform(0.01, 0.05) * attempt)
        return service(*args, **kwargs)

    return patient


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
