"""The state of a row as a token that forms carry and bring back, so that nobody overwrites a newer one unseen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from servaan_crm.core.errors import EditConflict


def token_of(row: Any) -> str:
    """Return the token of the row's state: the microsecond of its last change."""
    moment = row.updated_at
    return str(int(moment.timestamp()) * 1_000_000 + moment.microsecond)


def moment_of(token: str) -> datetime:
    """Return the moment of a token of :func:`token_of`. Raises ValueError for anything else."""
    if not (token.isascii() and token.isdigit() and len(token) <= 16):
        raise ValueError(token)
    seconds, micro = divmod(int(token), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)


def seen_in(form: Any) -> datetime | None:
    """Return the moment of the token ``seen`` in a form's data; None without one. Raises EditConflict for any other."""
    token = form.get("seen") or ""
    try:
        return moment_of(token) if token else None
    except ValueError:
        raise EditConflict from None


def check_seen(row: Any, seen: datetime | None) -> None:
    """Raise EditConflict when ``row``, locked by the caller, was changed after ``seen``; None skips the check."""
    if seen is not None and row.updated_at != seen:
        raise EditConflict(details={"id": str(row.pk)})
