"""Finding guests by what a person types: fragments of names, numbers, e-mail, notes, and names of tags."""

from uuid import UUID

from django.db.models import Q, QuerySet

from customers.models import Customer, Tag
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import is_phone_like, phone_fragment
from servaan_crm.l10n.text import ZWNJ, query_variants, search_key, sort_key

# Shorter fragments have no trigram of their own and would read the whole table: they match beginnings.
MIN_FRAGMENT = 3


def search_customers(rows: QuerySet[Customer], query: str, *, fenced: bool = True) -> QuerySet[Customer]:
    """Narrow ``rows`` to the guests ``query`` may mean; a blank query narrows nothing.

    All words must be found, in any order, with or without ZWNJ. Digits are also a part of the phone
    number, from three of them on. Words shorter than three letters match beginnings of words, a single
    letter the beginning of the name.

    The matches are worked out first, behind a fence: else the planner walks the index of the ordering
    and tests row by row. ``fenced=False`` leaves that to the planner: right when very many match.
    """
    if not search_key(query):
        return rows
    fragment = digits_fragment(query)
    found = _words(query) | Q(phone__contains=fragment) if fragment else _words(query)
    tags = _tags_called(query)
    if not fenced and not tags:
        return rows.filter(found)
    ids = Customer.objects.filter(found).values("pk")
    if tags:
        tagged = Customer.tags.through.objects.filter(tag_id__in=tags).values("customer_id")
        ids = ids.union(tagged)
        return rows.filter(pk__in=ids)
    return rows.filter(pk__in=ids[:_FENCE])


# A LIMIT no café reaches: PostgreSQL does not look through it.
_FENCE = 1_000_000_000


def _words(query: str) -> Q:
    words = search_key(query.replace(ZWNJ, " ")).split(" ")
    every = Q()
    for word in words:
        every &= _word(word, alone=len(words) == 1)
    joined = [key for key in query_variants(query) if " " not in key and key not in words]
    for key in joined:
        if len(key) >= MIN_FRAGMENT:
            every |= Q(search_key__contains=key)
    return every


def _word(word: str, *, alone: bool) -> Q:
    if len(word) >= MIN_FRAGMENT:
        return Q(search_key__contains=word)
    if len(word) == 1 and alone:
        return Q(sort_key__startswith=sort_key(word)) if sort_key(word) else Q(search_key__startswith=word)
    return Q(search_key__startswith=word) | Q(search_key__contains=f" {word}")


def _tags_called(query: str) -> list[UUID]:
    """Return the tags with ``query`` in their name; a café has tens of them, so they are compared here."""
    key = search_key(query)
    if len(key) < MIN_FRAGMENT:
        return []
    return [pk for pk, name in Tag.objects.values_list("pk", "name").order_by() if key in search_key(name)]


def digits_fragment(typed: str) -> str:
    """Return the part of an E.164 number that ``typed`` stands for; "" below three digits or for words.

    The trunk zero is not part of E.164; when nothing but zeros leads (``0001``, the end of a number), they count.
    """
    fragment = phone_fragment(typed)
    if is_phone_like(typed) and len(fragment.lstrip("+")) < MIN_FRAGMENT:
        fragment = "".join(digit for digit in to_ascii(typed) if digit.isascii() and digit.isdigit())
    return fragment if len(fragment.lstrip("+")) >= MIN_FRAGMENT else ""


def national_prefix(digits: str) -> str:
    """Return what E.164 numbers begin with when the national number begins with ``digits`` as typed.

    ``0912`` → ``+98912`` in Iran; a number with a country code keeps it. "" when ``digits`` does not look
    like the beginning of a number.
    """
    fragment = phone_fragment(digits)
    if not fragment or fragment.startswith("+"):
        return fragment
    code = {"IR": "98", "IN": "91", "BD": "880"}.get(get_locale().phone_region, "")
    if fragment.startswith(code) and digits.strip().startswith("00"):
        return f"+{fragment}"
    return f"+{code}{fragment}" if code else ""
