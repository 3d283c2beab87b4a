"""Tags by what a person calls them."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from customers.models import Tag
from servaan_crm.l10n.text import search_key


def hold_tags(tags: Iterable[Tag]) -> None:
    """Keep these tags from being deleted until the transaction ends.

    Raises ValidationError when one of them was deleted meanwhile.
    """
    wanted = {tag.pk: tag.name for tag in tags}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM customers_tag WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [sorted(wanted)]
        )
        found = {row[0] for row in cursor.fetchall()}
    if missing := [name for pk, name in wanted.items() if pk not in found]:
        raise _unknown(missing)


def find_tags(called: Iterable[str]) -> list[Tag]:
    """Return the tags with these ids or names (spelling variants count as the same).

    Raises ValidationError that names those that do not exist.
    """
    known = list(Tag.objects.all())
    by_word = {_key(tag.name): tag for tag in known} | {str(tag.pk): tag for tag in known}
    found: dict[str, Tag] = {}
    missing = []
    for word in called:
        tag = by_word.get(word.strip().lower()) or by_word.get(_key(word))
        if tag is None:
            missing.append(word)
        else:
            found[str(tag.pk)] = tag
    if missing:
        raise _unknown(missing)
    return list(found.values())


def _unknown(names: list[str]) -> ValidationError:
    return ValidationError({"tags": [_("There are no such tags: %(names)s") % {"names": ", ".join(names)}]})


def _key(word: str) -> str:
    """Blank, half-space or nothing between two parts: the same tag."""
    return search_key(word).replace(" ", "")
