"""What PostgreSQL broke off - two of us stood in each other's way, or it was restarted - is done once more.

The answer of a provider is known to nobody but the worker that has it in hand: it must not be lost to an accident.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from servaan_crm.core.db import survives_deadlock

log = logging.getLogger(__name__)

TRIES = 5
PATIENCE = 0.5  # seconds after a lost connection, doubled with every try
Result = TypeVar("Result")


def once_more(work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns; repeat it when the database broke it off.

    ``work`` is one transaction of its own, and harmless when it was done already. Inside somebody else's transaction
    there is nothing to repeat: the error is raised, as every other one is.
    """
    patient = survives_deadlock(work)
    for tried in range(1, TRIES):
        try:
            return patient()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or connection.is_usable():
                raise
            log.warning("the database is gone, try %d: %s", tried, type(error.__cause__).__name__)
            connection.close()
            time.sleep(PATIENCE * 2 ** (tried - 1))
    return patient()
