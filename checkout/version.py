"""The state of a visit as a token that forms and clients carry and bring back."""

from datetime import UTC, datetime

from customers.models import Visit


def version_of(visit: Visit) -> str:
    """Return the token of the visit's state: the microsecond of its last change."""
    moment = visit.updated_at
    return str(int(moment.timestamp()) * 1_000_000 + moment.microsecond)


def version_time(token: str) -> datetime:
    """Return the moment of a token of :func:`version_of`. Raises ValueError for anything else."""
    if not (token.isascii() and token.isdigit() and len(token) <= 16):
        raise ValueError(token)
    seconds, micro = divmod(int(token), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)
