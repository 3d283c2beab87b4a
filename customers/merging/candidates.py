"""Pairs of guests that may be one person, with the reasons. Set-based: nobody is compared with everybody.

Guests are compared within blocks only: the same e-mail, the same birthday and beginning of a word of the name, a
number that stands in somebody's notes or family. Blocks that are too large to mean anything (the first of the year as
everybody's birthday, the e-mail of a company) are left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumbers import country_code_for_region

from customers.merging import candidates_sql as sql
from customers.models import Customer, DuplicateDismissal
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import search_key

MOST = 2_000  # pairs worth listing; the likeliest first
NAME_LIKE = 0.45  # trigram similarity of names with the same birthday
MAX_BLOCK = 40
MAX_EMAIL_OWNERS = 6
# A scan that took longer than this many seconds is kept for a while; "search again" makes a new one.
SLOW, KEEP_SECONDS = 0.5, 900
_CACHE_KEY = "customers:duplicates"

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


def find_pairs(*, refresh: bool = False) -> list[Pair]:
    """Return the pairs of the whole café, likeliest first, at most ``MOST``; dismissed ones are left out.

    A large café's scan is kept for a quarter of an hour; who was merged, deleted or dismissed since is left out of it.
    """
    known: list[Pair] | None = None if refresh else cache.get(_CACHE_KEY)
    if known is not None:
        return _still_open(known)
    started = time.monotonic()
    pairs = _run(sql.whole_cafe(_code()), {})
    if time.monotonic() - started > SLOW:
        cache.set(_CACHE_KEY, pairs, KEEP_SECONDS)
    else:
        cache.delete(_CACHE_KEY)
    return pairs


def find_pairs_of(customer: Customer) -> list[Pair]:
    """Return the pairs with one guest, likeliest first, through the indexes on phone, birthday and search key."""
    parameters = {
        "id": customer.pk,
        "phone": customer.phone,
        "digits": "%{}%{}%{}%".format(*_groups(customer.phone)),
        "email": customer.email,
        "email_key": f"%{search_key(customer.email)}%",
        "birthday": customer.birthday,
        "latin": customer.name_english.strip(),
        "name_key": search_key(customer.name),
    }
    return _run(sql.one_guest(_code()), parameters)


def _run(statement: str, parameters: dict[str, Any]) -> list[Pair]:
    limits = {"most": MOST, "like": NAME_LIKE, "block": MAX_BLOCK, "email_owners": MAX_EMAIL_OWNERS}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**limits, **parameters})
        return [Pair(row[0], row[1], tuple(row[2]), row[3]) for row in cursor.fetchall()]


def _groups(phone: str) -> tuple[str, str, str]:
    """Return the ten digits in the groups in which people write them, with anything between."""
    return phone[-10:-7], phone[-7:-4], phone[-4:]


def _code() -> int:
    """Return the calling code of the café's country; its mobile numbers have ten digits after it."""
    return country_code_for_region(get_locale().phone_region)


def _still_open(pairs: Sequence[Pair]) -> list[Pair]:
    ids = {key for pair in pairs for key in (pair.first_id, pair.second_id)}
    live = set(Customer.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", flat=True))
    rows = DuplicateDismissal.objects.filter(first_id__in=ids).values_list("first_id", "second_id")
    dismissed = {frozenset(row) for row in rows}
    return [
        pair
        for pair in pairs
        if {pair.first_id, pair.second_id} <= live
        and frozenset((pair.first_id, pair.second_id)) not in dismissed
    ]
