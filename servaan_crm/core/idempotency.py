"""The same request twice is one effect and one answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from servaan_crm.core.db import survives_deadlock
from servaan_crm.core.errors import IdempotencyKeyReused
from servaan_crm.core.models import IdempotencyRecord

KEEP_HOURS = 48


@dataclass(frozen=True, slots=True)
class Answer:
    """A rendered answer; ``replayed`` says that it was given before."""

    status: int
    body: str
    replayed: bool = False


@survives_deadlock
def run_once(*, key: str, scope: str, payload: bytes, action: Callable[[], Answer]) -> Answer:
    """Run ``action`` unless ``key`` was seen in ``scope``; then return its first answer.

    The record and the effects of ``action`` commit together. Of two requests at once the second waits
    on the unique index and gets the first one's answer; if the first fails, the second runs.

    Args:
        key: the client's ``Idempotency-Key``.
        scope: who calls what, so that two users cannot read each other's answers.
        payload: the request in a form that is the same for the same content; another one under this key is refused.

    Raises:
        IdempotencyKeyReused: the key came before with another body.
    """
    fingerprint = hashlib.sha256(payload).hexdigest()
    with transaction.atomic():
        record_id = _claim(scope, key, fingerprint)
        if record_id is None:
            return _replay(scope, key, fingerprint)
        answer = action()
        IdempotencyRecord.objects.filter(pk=record_id).update(status=answer.status, body=answer.body)
        return answer


def was_run(*, key: str, scope: str) -> bool:
    """Say whether :func:`run_once` will only repeat the first answer of ``key``."""
    return IdempotencyRecord.objects.filter(scope=scope, key=key).exists()


def _claim(scope: str, key: str, fingerprint: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencyrecord (scope, key, fingerprint, body, created_at)"
            " VALUES (%s, %s, %s, '', now()) ON CONFLICT (scope, key) DO NOTHING RETURNING id",
            [scope, key, fingerprint],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _replay(scope: str, key: str, fingerprint: str) -> Answer:
    record = IdempotencyRecord.objects.get(scope=scope, key=key)
    if record.fingerprint != fingerprint:
        raise IdempotencyKeyReused(details={"idempotency_key": key})
    return Answer(status=record.status or 200, body=record.body, replayed=True)


def purge() -> int:
    """Delete records older than ``KEEP_HOURS`` hours; returns how many."""
    before = timezone.now() - timedelta(hours=KEEP_HOURS)
    return IdempotencyRecord.objects.filter(created_at__lt=before).delete()[0]
