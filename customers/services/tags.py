"""Tags by what a person calls them."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.models import Tag
from servaan_crm.l10n.text import search_key


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
        raise ValidationError(
            {"tags": [_("There are no such tags: %(names)s") % {"names": ", ".join(missing)}]}
        )
    return list(found.values())


def _key(word: str) -> str:
    """Blank, half-space or nothing between two parts: the same tag."""
    return search_key(word).replace(" ", "")
