"""The state of a visit as a token that forms and clients carry and bring back."""

from datetime import datetime

from customers.models import Visit
from customers.seen import moment_of, token_of


def version_of(visit: Visit) -> str:
    """Return the token of the visit's state: the microsecond of its last change."""
    return token_of(visit)


def version_time(token: str) -> datetime:
    """Return the moment of a token of :func:`version_of`. Raises ValueError for anything else."""
    return moment_of(token)
