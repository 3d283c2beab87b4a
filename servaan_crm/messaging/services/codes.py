"""Codes that prove that a phone is somebody's: sent by SMS, kept as a keyed hash, valid for five minutes."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from servaan_crm.core.actors import Actor
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.messaging.models import Message, VerificationCode
from servaan_crm.messaging.provider_templates import VERIFICATION_CODE
from servaan_crm.messaging.secret_texts import SECRET_KINDS
from servaan_crm.messaging.secret_texts import VERIFICATION_CODE as KIND
from servaan_crm.messaging.services.caps import first_id
from servaan_crm.messaging.services.queue import queue_message
from servaan_crm.tenancy.current import get_cafe

LIFETIME = timedelta(minutes=5)
MAX_TRIES = 5
DIGITS = 5
PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,39}")
# A sent code is worth nothing after this; then it leaves the texts we keep.
KEEP_TEXT = timedelta(hours=1)
KEEP_ROWS = timedelta(days=2)


def send_code(*, actor: Actor, phone: str, purpose: str) -> Message:
    """Send a new code to ``phone`` (E.164); older ones for the same purpose are worth nothing any more.

    Args:
        purpose: what it is for, such as "login"; a code for one purpose proves nothing for another.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    row = VerificationCode(id=uuid7(), phone=phone, purpose=purpose, expires_at=timezone.now() + LIFETIME)
    row.code_hash = _keyed(row, code)
    with transaction.atomic():
        row.save(force_insert=True)
        return queue_message(
            actor=actor,
            recipient=phone,
            body=_text(code),
            kind=KIND,
            purpose=Message.Purpose.TRANSACTIONAL,
            template=VERIFICATION_CODE,
            values={"token": code},
            dedupe_key=f"{KIND}:{row.pk}",
            expires_at=row.expires_at,
        )


def confirm_code(*, phone: str, purpose: str, code: str) -> bool:
    """Whether ``code`` (any digits) is the newest one sent to ``phone`` for ``purpose``; a right one is used up.

    Every try counts, whatever the caller does afterwards: it has a transaction of its own.
    """
    with transaction.atomic(durable=True):
        rows = VerificationCode.objects.select_for_update().filter(phone=phone, purpose=purpose)
        row = rows.order_by("-created_at", "-pk").first()
        now = timezone.now()
        if row is None or row.used_at or row.expires_at <= now or row.attempts >= MAX_TRIES:
            return False
        is_right = hmac.compare_digest(row.code_hash, _keyed(row, to_ascii(code).strip()))
        row.used_at = now if is_right else None
        row.attempts += 0 if is_right else 1
        row.save(update_fields=["used_at", "attempts", "updated_at"])
    return is_right


def purge_codes() -> int:
    """Delete old codes, and take them out of the texts that were sent; returns how many were deleted."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_message SET body = regexp_replace(body, '[0-9]{4,8}', '•••••', 'g'), "values" = '[]'
             WHERE id >= %s AND id < %s AND kind = ANY(%s) AND state NOT IN ('queued', 'claimed', 'unknown')
               AND body ~ '[0-9]{4,8}'
            """,
            [first_id(now - 2 * KEEP_ROWS), first_id(now - KEEP_TEXT), sorted(SECRET_KINDS)],
        )
    return VerificationCode.objects.filter(created_at__lt=now - KEEP_ROWS).delete()[0]


def _keyed(row: VerificationCode, code: str) -> str:
    """The keyed hash of a code; the row's id makes equal codes differ."""
    return salted_hmac("messaging.verification_code", f"{row.pk}:{code}", algorithm="sha256").hexdigest()


def _text(code: str) -> str:
    """The text in the café's language; the code stays Latin, as it is typed."""
    cafe = get_cafe()
    with translation.override(cafe.language):
        return _("Your code for %(cafe)s: %(code)s") % {"cafe": cafe.name, "code": code}
