"""Short links: made in bulk, followed by guests, counted for people only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.addresses import ALPHABET, LENGTH, link_start
from campaigns.models import LinkClick, ShortLink

_INSERT = """
INSERT INTO campaigns_shortlink (code, url, customer_id, delivery_id, run_id, clicks)
SELECT new.*, 0 FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::bigint[], %s::uuid[]) AS new
ON CONFLICT (code) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkWanted:
    """A link to ``url`` for one guest, of a delivery or of an automation's run."""

    url: str
    customer_id: UUID | None
    delivery_id: int | None = None
    run_id: UUID | None = None


def make_links(wanted: Sequence[LinkWanted]) -> list[str]:
    """Write a short link for each of ``wanted`` and return their full addresses in the same order.

    Two statements however many; a delivery that has a link keeps it. In the caller's transaction.
    """
    if not wanted:
        return []
    deliveries = [one.delivery_id for one in wanted if one.delivery_id is not None]
    kept = dict(ShortLink.objects.filter(delivery_id__in=deliveries).values_list("delivery_id", "code"))
    codes = [kept.get(one.delivery_id or 0) or _draw() for one in wanted]
    missing = [place for place, one in enumerate(wanted) if one.delivery_id not in kept]
    while missing:
        rows = [(codes[place], wanted[place]) for place in missing]
        written = _insert(rows)
        # A code that was drawn before, once in a very long time, is drawn again.
        missing = [place for place in missing if codes[place] not in written]
        for place in missing:
            codes[place] = _draw()
    start = link_start()
    return [start + code for code in codes]


def _draw() -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def _insert(rows: Sequence[tuple[str, LinkWanted]]) -> set[str]:
    columns: list[Any] = [
        [code for code, _one in rows],
        [one.url for _code, one in rows],
        [one.customer_id for _code, one in rows],
        [one.delivery_id for _code, one in rows],
        [one.run_id for _code, one in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT + " RETURNING code", columns)
        return {row[0] for row in cursor.fetchall()}


def follow_link(code: str, *, is_machine: bool, is_counted: bool = True) -> str | None:
    """Count a call of the link and return where it leads; None for a code there is not.

    Args:
        is_machine: a program, a HEAD request or the preview of a phone: noted, not counted.
        is_counted: False: one call too many in a short time, of which nothing is written.
    """
    with transaction.atomic():
        rows = ShortLink.objects.filter(pk=code)
        url = rows.values_list("url", flat=True).first()
        if url is None or not is_counted:
            return url
        now = timezone.now()
        LinkClick.objects.create(link_id=code, is_machine=is_machine, at=now)
        if not is_machine:
            rows.update(
                clicks=F("clicks") + 1,
                first_clicked_at=Coalesce(F("first_clicked_at"), now),
                last_clicked_at=now,
            )
    return url
