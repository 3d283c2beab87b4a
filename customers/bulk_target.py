"""Which guests a bulk change means: a filter as in the list's address, or chosen rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from customers.filters import CustomerFilter
from customers.models import Customer
from customers.selectors import CustomerList, all_customers
from servaan_crm.l10n.digits import localize

MAX_IDS = 5_000
# What belongs to the look of a list and not to the guests in it.
LOOK = ("sort", "order", "page", "page_size", "limit", "look")


@dataclass(frozen=True, slots=True)
class Target:
    """Guests that are meant, and the filter in words of the address; ``asked_for`` counts chosen ids."""

    matches: QuerySet[Customer]
    query: str
    asked_for: int | None = None

    @classmethod
    def of_filter(cls, given: QueryDict | Mapping[str, Any]) -> Target:
        """Read filter parameters. Raises ValidationError: parameter → messages."""
        data = given.copy() if isinstance(given, QueryDict) else _as_query(given)
        for name in LOOK:
            data.pop(name, None)
        asked = CustomerFilter(data)
        if problems := asked.problems():
            raise ValidationError(problems)  # type: ignore[arg-type]
        return cls(asked.customers().matches, data.urlencode())

    @classmethod
    def of_query(cls, query: str) -> Target:
        """Read the query string of a list. Raises ValidationError: parameter → messages."""
        return cls.of_filter(QueryDict(query, mutable=True))

    @classmethod
    def of_ids(cls, ids: Iterable[Any]) -> Target:
        """Take chosen guests. Raises ValidationError for none, too many, or what is no id."""
        try:
            chosen = {UUID(str(each)) for each in ids}
        except ValueError:
            raise ValidationError({"ids": [_("Give a list of ids.")]}) from None
        if not 0 < len(chosen) <= MAX_IDS:
            words = _("Choose at least one and at most %(most)s customers.")
            raise ValidationError({"ids": [words % {"most": localize(MAX_IDS)}]})
        return cls(all_customers().filter(pk__in=chosen), "", len(chosen))

    def as_list(self, sort: str, order: str) -> CustomerList:
        """Return the guests as a list in this order."""
        return CustomerList(self.matches, sort, order)


def _as_query(given: Mapping[str, Any]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in given.items():
        if isinstance(value, dict | list):
            raise ValidationError({name: [_("Give one value.")]})
        data[name] = value if isinstance(value, str) else json.dumps(value)
    return data
