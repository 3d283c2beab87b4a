"""Pairs of guests that may be one person, with the reasons. Set-based: nobody is compared with everybody.

Guests are compared within blocks only: the same e-mail, the same birthday and beginning of a word of the name, a
number that stands in somebody's notes or family. Blocks that are too large to mean anything (the first of the year as
everybody's birthday, the e-mail of a company) are left out.

The pairs of the whole café are in a table, which ``scan`` keeps; only the pairs of one guest are looked for here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumbers import country_code_for_region

from customers.merging import candidates_sql as sql
from customers.models import Customer, DuplicateDismissal, DuplicatePair
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import search_key

MOST = 2_000  # pairs worth listing; the likeliest first
NAME_LIKE = 0.45  # trigram similarity of names with the same birthday
MAX_BLOCK = 40
MAX_EMAIL_OWNERS = 6

REASONS: dict[str, str | Promise] = {
    "email": _("Same e-mail"),
    "note_phone": _("The number of one stands in the notes of the other"),
    "family_phone": _("The number of one is noted in the family of the other"),
    "birthday_name": _("Same birthday and a similar name"),
    "birthday_latin": _("Same birthday and the same Latin name"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two guests that may be one; ``score`` is 0-100."""

    first_id: UUID
    second_id: UUID
    reasons: tuple[str, ...]
    score: int

    @property
    def words(self) -> list[str | Promise]:
        """Return the reasons as sentences."""
        return [REASONS[code] for code in self.reasons]

    @property
    def likelihood(self) -> str | Promise:
        """Return the score as a word."""
        if self.score >= 85:
            return _("Almost certainly one person")
        return _("Probably one person") if self.score >= 60 else _("Perhaps one person")


def stored_pairs(reason: str = "") -> QuerySet[DuplicatePair]:
    """Return the pairs of the whole café as the last search and the changes since left them, likeliest first.

    Whoever was deleted, merged or found to be two people this very moment is left out. ``reason`` is a code of
    ``REASONS``, or "" for all.
    """
    dismissed = DuplicateDismissal.objects.filter(first=OuterRef("first"), second=OuterRef("second"))
    rows = DuplicatePair.objects.filter(~Exists(dismissed), first__deleted_at=None, second__deleted_at=None)
    return rows.filter(reasons__contains=[reason]) if reason else rows


def pairs_of_rows(rows: Iterable[DuplicatePair]) -> list[Pair]:
    """Return stored rows as pairs."""
    return [Pair(row.first_id, row.second_id, tuple(row.reasons), row.score) for row in rows]


def find_pairs_of(customer: Customer, *, holders: Sequence[UUID] = ()) -> list[Pair]:
    """Return the pairs with one guest, likeliest first, through the indexes on phone, birthday and search key.

    The staff notes of ``holders`` are read for this guest's number, besides the guest's own.
    """
    parameters = {
        "id": customer.pk,
        "holders": [customer.pk, *holders],
        "phone": customer.phone,
        "digits": "%{}%{}%{}%".format(*_groups(customer.phone)),
        "email": customer.email,
        "email_key": f"%{search_key(customer.email)}%",
        "birthday": customer.birthday,
        "latin": customer.name_english.strip(),
        "name_key": search_key(customer.name),
    }
    found: Findings = {}
    collect(found, sql.one_guest(calling_code()), parameters)
    return ranked(found)


Findings = dict[tuple[UUID, UUID], dict[str, float]]


def collect(found: Findings, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
    """Run one statement of ``candidates_sql`` and add what it finds: pair → reason → weight (0 to 1)."""
    limits = {
        "most": MOST,
        "like": NAME_LIKE,
        "block": MAX_BLOCK,
        "email_owners": MAX_EMAIL_OWNERS,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, {**limits, **(parameters or {})})
        for first, second, reason, weight in cursor:
            found.setdefault((first, second), {})[reason] = weight


def ranked(found: Findings) -> list[Pair]:
    """Return at most ``MOST`` pairs, likeliest first. Reasons together say more than the strongest of them."""
    pairs = [
        Pair(first, second, tuple(sorted(reasons)), _score(reasons.values()))
        for (first, second), reasons in found.items()
    ]
    return sorted(pairs, key=lambda pair: (-pair.score, pair.first_id, pair.second_id))[:MOST]


def _score(weights: Iterable[float]) -> int:
    return min(99, round(100 * (1 - math.prod(1 - weight for weight in weights))))


def calling_code() -> int:
    """Return the calling code of the café's country; its mobile numbers have ten digits after it."""
    return country_code_for_region(get_locale().phone_region)


def _groups(phone: str) -> tuple[str, str, str]:
    """Return the ten digits in the groups in which people write them, with anything between."""
    return phone[-10:-7], phone[-7:-4], phone[-4:]
