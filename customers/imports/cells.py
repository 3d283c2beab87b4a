"""From a cell, as typed or as Excel keeps it, to a value.

A cleaner takes the cell and returns the value to store, or None when there is nothing. What it refuses it
raises as one of ``REFUSALS``, worded in the language in force; :func:`explain` asks for both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _

from customers.imports.limits import MAX_CELL
from customers.services.validation import clean_fields, clean_name
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.l10n.jalali import DateError, parse_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import MoneyError
from servaan_crm.l10n.phone import IR_MOBILE_PREFIXES, PhoneError, parse_phone
from servaan_crm.l10n.text import search_key

Cleaner = Callable[[Any], Any]
REFUSALS = (ValidationError, PhoneError, DateError, MoneyError)

_IRANIAN = re.compile(r"(?:\+98|0098|98|0)?(9[0-9]{9})")
_EMAIL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,20}")
_SCIENTIFIC = re.compile(r"[0-9][.,٫]?[0-9]*[eE]\+[0-9]+")
_EXCEL_EPOCH = datetime(1899, 12, 30)
_EXCEL_DAYS = range(1, 80_000)
_YES = frozenset(
    map(
        search_key, ("1", "yes", "y", "true", "on", "ok", "x", "✓", "✔", "بله", "بلی", "آره", "دارد", "موافق")
    )
)
_NO = frozenset(map(search_key, ("0", "no", "n", "false", "off", "-", "خیر", "نه", "ندارد", "مخالف")))


def text_of(cell: Any) -> str:
    """Return the text of a cell as a person reads it; numbers without a useless ``.0``.

    Raises ValidationError for what no text of ours can be.
    """
    if isinstance(cell, str):
        text = cell.strip()
    elif cell is None:
        return ""
    elif isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e18 else repr(cell)
    elif isinstance(cell, datetime):
        text = (
            cell.isoformat(sep=" ", timespec="minutes")
            if cell.time() != time.min
            else cell.date().isoformat()
        )
    else:
        text = str(cell).strip()
    if len(text) > MAX_CELL:
        raise ValidationError(
            _("This text is longer than %(most)s characters.") % {"most": localize(MAX_CELL)}
        )
    if "\x00" in text:
        raise ValidationError(_("A text cannot hold the null character."))
    # Our own export, and careful spreadsheets, keep a formula as text with an apostrophe.
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@" else text


def explain(field: str, clean: Cleaner, cell: Any) -> dict[str, str]:
    """Return why ``clean`` refuses ``cell``: the field and the sentence in both languages."""
    words = {"field": field}
    for language in ("fa", "en"):
        with translation.override(language):
            try:
                clean(cell)
            except ValidationError as error:
                said = " ".join(error.messages)
                words[language] = said if language == "fa" else to_ascii(said)
            except PhoneError as error:
                words[language] = error.suggestion(language)
            except (DateError, MoneyError) as error:
                words[language] = error.message_fa if language == "fa" else error.message_en
    return words


def phone_cleaner() -> Cleaner:
    """Return the cleaner of numbers of the café in hand: to E.164. Excel's lost zero is no hindrance."""
    region = get_locale().phone_region
    iranian = region == "IR"

    def clean(cell: Any) -> str | None:
        text = text_of(cell)
        if not text:
            return None
        # Nearly every number is written in one of few ways: no need to take it apart.
        if iranian and (match := _IRANIAN.fullmatch(text)) and match[1][:3] in IR_MOBILE_PREFIXES:
            return f"+98{match[1]}"
        if _SCIENTIFIC.fullmatch(text):
            raise ValidationError(
                _(
                    "Excel shortened this number (%(text)s). Make the column a text column and save the file again."
                )
                % {"text": text}
            )
        return parse_phone(text, region)

    return clean


def name(cell: Any) -> str | None:
    """A name of a guest."""
    text = text_of(cell)
    return clean_name(text) if text else None


def field_cleaner(field: str) -> Cleaner:
    """Return the cleaner of a text field of a guest, by the rules of every other way in."""

    def clean(cell: Any) -> str | None:
        text = text_of(cell)
        return clean_fields({field: text})[field] or None if text else None

    return clean


def email(cell: Any) -> str | None:
    """An e-mail address."""
    text = text_of(cell)
    if not text or (len(text) < 100 and _EMAIL.fullmatch(text)):
        return text or None
    clean_fields({"email": text})
    return text


def day_of(cell: Any) -> date | None:
    """Return the day a cell means: an Excel date, Excel's number of a day, or text in either calendar."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool) and int(cell) in _EXCEL_DAYS:
        return (_EXCEL_EPOCH + timedelta(days=int(cell))).date()
    text = text_of(cell)
    return parse_date(text) if text else None


def day_cleaner(field: str) -> Cleaner:
    """Return the cleaner of ``field``, a day of a guest. Days repeat, so they are remembered."""

    @lru_cache(maxsize=65_536)
    def clean(cell: Any) -> str | None:
        day = day_of(cell)
        return None if day is None else clean_fields({field: day})[field].isoformat()

    return clean


def truth(cell: Any) -> bool | None:
    """Yes or no, in words or signs."""
    if isinstance(cell, bool):
        return cell
    key = search_key(text_of(cell)) or text_of(cell)
    if not key:
        return None
    if key in _YES:
        return True
    if key in _NO:
        return False
    raise ValidationError(_("Write yes or no."))


def word_cleaner(words: Mapping[str, str]) -> Cleaner:
    """Return the cleaner that knows ``words`` (what people write → code); another word is refused."""
    known = {search_key(word): code for word, code in words.items()}
    codes = ", ".join(dict.fromkeys(known.values()))

    def clean(cell: Any) -> str | None:
        text = text_of(cell)
        if not text:
            return None
        code = known.get(search_key(text))
        if code is None:
            raise ValidationError(_("Choose one of: %(values)s.") % {"values": codes})
        return code

    return clean


GENDERS = {
    "female": "female", "f": "female", "woman": "female", "زن": "female", "خانم": "female", "مونث": "female",
    "مؤنث": "female", "male": "male", "m": "male", "man": "male", "مرد": "male", "آقا": "male", "مذکر": "male",
    "other": "other", "سایر": "other", "دیگر": "other",
}  # fmt: skip


def tags(cell: Any) -> list[str] | None:
    """Words between commas of either script, semicolons or bars; each once, in order."""
    found = dict.fromkeys(" ".join(part.split()) for part in re.split(r"[,،;؛|]", text_of(cell)))
    names = [part for part in found if part]
    if any(len(part) > 50 for part in names):
        raise ValidationError(_("A tag has at most %(most)s letters.") % {"most": localize(50)})
    if len(names) > 30:
        raise ValidationError(_("A guest has at most %(most)s tags.") % {"most": localize(30)})
    return names or None
