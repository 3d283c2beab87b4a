"""Search and sort keys of names, the same in Python and in PostgreSQL.

One pair of tables (``SEARCH_TABLE``, ``SORT_TABLE``) drives both sides. The PostgreSQL side is made of
``normalize``, ``lower(… COLLATE "C")`` (ASCII only), ``translate`` and ``regexp_replace``: all immutable,
none of them looks at the database's collation or at ICU, so they are fit for generated columns on
PostgreSQL 15-18 and give the same bytes on every build.

Case is folded for ASCII, Latin, Greek, Cyrillic and Armenian letters (``_CASED_RANGES``); scripts whose
upper case nobody types into a café's guest list (Deseret, Cherokee, Georgian Mtavruli …) keep theirs:
``translate`` walks its table for every letter, so each rare pair would be paid for by every name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from django.db.models import Func, GeneratedField, TextField
from django.db.models.expressions import Combinable

ZWNJ = "\u200c"

# Letters one guest types in several ways. Applied after NFKC, which has already turned presentation
# forms, ligatures and full-width characters into plain ones.
_LETTERS = {
    **dict.fromkeys("\u064a\u0649\u0626", "\u06cc"),  # ي ى ئ → ی
    "\u0643": "\u06a9",  # ك → ک
    **dict.fromkeys("\u0629\u06c0\u06c1\u06be\u06c2\u06c3\u06d5", "\u0647"),  # ة ۀ ہ ھ ۂ ۃ ە → ه
    **dict.fromkeys("\u0623\u0625\u0671\u0622", "\u0627"),  # أ إ ٱ آ → ا
    "\u0624": "\u0648",  # ؤ → و
}
_DIGIT_ZEROS = (0x0660, 0x06F0, 0x0966, 0x09E6)  # Arabic, Persian, Devanagari, Bengali
_DROPPED = (
    "\u0621\u0640"  # hamza on the line, tatweel
    + "".join(map(chr, range(0x064B, 0x0660)))  # harakat
    + "\u0670"
    + "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # bidi marks
    + "\u200b\u200c\u200d\u2060\ufeff\u00ad"  # ZWNJ, ZWJ and other invisible characters
)
# White space NFKC leaves alone (it turns no-break and typographic spaces into U+0020 itself).
_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u1680\u2028\u2029"
_CASED_RANGES = ((0x00C0, 0x0587), (0x1E00, 0x1EFF))

# One place per letter of the Persian alphabet; position = order. 33 letters fill U+003A-U+005A exactly,
# which is after the digits and before the (lowered) Latin letters: digits < Persian < Latin < the rest.
PERSIAN_ALPHABET = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_SORT_BASE = 0x3A
# Letters of the neighbours' alphabets, sorted with the Persian letter they are read as.
_SORT_LIKE = {"ٹ": "ت", "ڈ": "د", "ڑ": "ر", "ڕ": "ر", "ڤ": "ف", "ڵ": "ل", "ں": "ن", "ۆ": "و", "ۇ": "و"}
_SORT_LIKE |= {"ۋ": "و", "ێ": "ی", "ے": "ی"}
_PUNCTUATION = (
    "".join(c for c in map(chr, range(0x21, 0x7F)) if not c.isalnum())
    + "\u00ab\u00bb\u060c\u061b\u061f\u066a\u066b\u066c\u2010\u2011\u2013\u2014\u2018\u2019\u201c\u201d"
)


def _cased() -> Iterator[tuple[str, str]]:
    """Yield (capital, small letter) pairs outside ASCII that survive NFKC."""
    for first, last in _CASED_RANGES:
        for capital in map(chr, range(first, last + 1)):
            small = "i" if capital == "\u0130" else capital.lower()
            if small != capital and len(small) == 1 and unicodedata.normalize("NFKC", capital) == capital:
                yield capital, small


def _search_table() -> dict[str, str]:
    table = dict(_LETTERS)
    for zero in _DIGIT_ZEROS:
        table |= {chr(zero + value): str(value) for value in range(10)}
    table |= dict.fromkeys(_DROPPED, "") | dict.fromkeys(_SPACES, " ") | dict(_cased())
    table["\u03c2"] = "\u03c3"  # final sigma: lower() of a word would need to look at its neighbours
    return table


def _sort_table(search: dict[str, str]) -> dict[str, str]:
    place = {letter: chr(_SORT_BASE + index) for index, letter in enumerate(PERSIAN_ALPHABET)}
    # Persian letters first: ``translate`` stops at the first match. آ keeps its own place here.
    table = dict(place)
    table |= {source: place.get(target, target) for source, target in search.items() if source not in place}
    table |= {letter: place[like] for letter, like in _SORT_LIKE.items()}
    table |= dict.fromkeys(_PUNCTUATION, " ")
    for first, last in ((0x00C0, 0x024F), (0x1E00, 0x1EFF)):  # é sorts as e
        for letter in map(chr, range(first, last + 1)):
            base = unicodedata.normalize("NFKD", letter)[0].lower()
            if base.isascii() and base.isalpha() and unicodedata.normalize("NFKC", letter) == letter:
                table[letter] = base
    return table


SEARCH_TABLE = _search_table()
SORT_TABLE = _sort_table(SEARCH_TABLE)
_ASCII_CASE = {chr(code): chr(code + 32) for code in range(0x41, 0x5B)}
_SEARCH_MAP = str.maketrans(_ASCII_CASE | SEARCH_TABLE)
_SORT_MAP = str.maketrans(SORT_TABLE | _ASCII_CASE)
_SPACE_RUN = re.compile(" +")


def _key(text: str, table: dict[int, str]) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(table)
    return _SPACE_RUN.sub(" ", folded).strip(" ")


def search_key(text: str) -> str:
    """Return the form of ``text`` used for comparison and search.

    Letters typed in several ways become one (ي ى ئ → ی, ك → ک, ة ۀ → ه, آ أ إ → ا …), digits of any script
    become ASCII, tatweel, harakat, ZWNJ and bidi marks vanish, case is folded, white space is folded.
    The stored name itself stays as typed.
    """
    return _key(text, _SEARCH_MAP)


def sort_key(text: str) -> str:
    """Return a key whose code point order is the Persian alphabetical order.

    Digits come first, then Persian letters (آ ا ب پ ت … ک گ … ی), then Latin letters without regard to
    accents, then every other script in code point order. Punctuation counts as a space. Compare it with
    ``COLLATE "C"`` in the database (:func:`sort_key_field` declares the column so).
    """
    return _key(text, _SORT_MAP)


def query_variants(query: str) -> list[str]:
    """Return the search keys a query may match by, best first, without repeats; [] for a blank query.

    A ZWNJ is tried dropped («می‌خواهم» → «میخواهم») and as a space («می خواهم»), as is ``علی رضا`` typed
    with a space where a stored «علی‌رضا» has none.
    """
    keys = [search_key(query), search_key(query.replace(ZWNJ, " "))]
    if any(letter in PERSIAN_ALPHABET for letter in keys[1]):
        keys.append(keys[1].replace(" ", ""))
    return [key for key in dict.fromkeys(keys) if key]


def highlight(text: str, query: str) -> list[tuple[str, bool]]:
    """Split ``text`` into (fragment, is_hit) pairs; the fragments joined give ``text`` back unchanged.

    Hits are found by search key: «علي» marks «علی», «رضایی» marks «رضائی», with or without ZWNJ. When the
    whole query is nowhere, each of its words is marked.
    """
    key, spans = _key_with_spans(text)
    needles = query_variants(query)
    if not any(needle in key for needle in needles):
        needles = [word for needle in needles for word in needle.split(" ")]
    marked = [False] * len(text)
    for needle in needles:
        for match in re.finditer(re.escape(needle), key):
            first, last = spans[match.start()][0], spans[match.end() - 1][1]
            marked[first:last] = [True] * (last - first)
    pieces: list[tuple[str, bool]] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or marked[end] != marked[start]:
            pieces.append((text[start:end], marked[start]))
            start = end
    return pieces


# A letter with the marks that belong to it: what normalisation works on as one.
_CLUSTER = re.compile("[^\u0300-\u036f\u064b-\u065f\u0670]?[\u0300-\u036f\u064b-\u065f\u0670]*", re.DOTALL)


def _key_with_spans(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the search key of ``text`` and, for each of its letters, the (start, end) it came from."""
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    for cluster in _CLUSTER.finditer(text):
        for letter in unicodedata.normalize("NFKC", cluster[0]).translate(_SEARCH_MAP):
            if letter == " " and letters and letters[-1] == " ":
                spans[-1] = (spans[-1][0], cluster.end())
                continue
            letters.append(letter)
            spans.append(cluster.span())
    return "".join(letters), spans


_HONORIFICS = frozenset(
    map(search_key, ("آقا", "آقای", "خانم", "خانوم", "دکتر", "مهندس", "سید", "سیده", "حاج"))
)
_HONORIFICS |= {"mr", "mrs", "ms", "dr", "md", "mr.", "mrs.", "ms.", "dr.", "md."}


def initials(name: str) -> str:
    """Return one or two letters for an avatar: «سارا کریمی» → «س‌ک», ``Ravi Kumar`` → ``RK``; "" if none.

    Titles (خانم، دکتر، Mr.) are skipped unless nothing else is left. A ZWNJ keeps Persian letters unjoined.
    """
    words = [word for word in unicodedata.normalize("NFKC", name).split() if any(map(str.isalpha, word))]
    named = [word for word in words if search_key(word) not in _HONORIFICS] or words
    if not named:
        return ""
    chosen = named[:1] if len(named) == 1 else [named[0], named[-1]]
    letters = [next(filter(str.isalpha, word)).upper() for word in chosen]
    joiner = "" if all(letter < "\u0590" for letter in letters) else ZWNJ
    return joiner.join(letters)


# Characters whose NFKC form holds no letter of the foreign part of the tables, as a PostgreSQL bracket.
_COMMON = (
    r"\u0001-\u007F\u00A0\u00AB\u00BB\u0600-\u06FF\u0750-\u077F\u0900-\u09FF"
    r"\u200B-\u200F\u2010-\u201F\u2028-\u202E\uFB50-\uFDFF\uFE70-\uFEFF"
)


def _is_foreign(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _CASED_RANGES)


def _literal(characters: str) -> str:
    """Return an all-ASCII SQL literal; bidi marks in a statement would make it unreadable and unsafe."""
    escaped = "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):04X}" for c in characters)
    return f"U&'{escaped}'"


def _translate(sql: str, table: dict[str, str]) -> str:
    """Wrap ``sql`` in a ``translate``; what it finds no partner for, it deletes."""
    kept = [(source, target) for source, target in table.items() if target]
    dropped = "".join(source for source, target in table.items() if not target)
    sources = _literal("".join(source for source, _ in kept) + dropped)
    return f"translate({sql}, {sources}, {_literal(''.join(target for _, target in kept))})"


def _template(table: dict[str, str]) -> str:
    """Return the SQL template of a key.

    ``translate`` scans its table for every letter, so the long part (foreign letters) runs only on texts
    with a character outside ASCII, Arabic and Indic script: 4 times faster for nearly every name.
    """
    plain = "normalize(%(expressions)s, NFKC)"
    foreign = {source: target for source, target in table.items() if _is_foreign(source)}
    common = {source: target for source, target in table.items() if source not in foreign}
    folded = (
        f"CASE WHEN %(expressions)s COLLATE \"C\" ~ '[^{_COMMON}]' "
        f"THEN {_translate(plain, foreign)} ELSE {plain} END"
    )
    lowered = f'lower(({folded}) COLLATE "C")'
    return f"btrim(regexp_replace({_translate(lowered, common)}, ' +', ' ', 'g'))"


class _KeyFunc(Func):
    arity = 1
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> tuple[str, Any]:
        sql, params = super().as_sql(compiler, connection, *args, **context)
        return sql, tuple(params) * self.template.count("%(expressions)s")


class SearchKey(_KeyFunc):
    """:func:`search_key` as an immutable PostgreSQL expression: ``SearchKey(F("name"))``."""

    template = _template(SEARCH_TABLE)


class SortKey(_KeyFunc):
    """:func:`sort_key` as an immutable PostgreSQL expression: ``SortKey(F("name"))``."""

    template = _template(SORT_TABLE)


def search_key_field(source: Combinable, **options: Any) -> GeneratedField:
    """Return a stored generated column holding the search key of ``source`` (for example ``F("name")``)."""
    return GeneratedField(expression=SearchKey(source), output_field=TextField(), db_persist=True, **options)


def sort_key_field(source: Combinable, **options: Any) -> GeneratedField:
    """Return a stored generated column holding the sort key of ``source``, ordered by code point."""
    output = TextField(db_collation="C")
    return GeneratedField(expression=SortKey(source), output_field=output, db_persist=True, **options)
