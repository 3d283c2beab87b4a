"""Page-number pagination in the words of the contract: ``page``, ``limit``, ``data.pagination``."""

from typing import Any

from django.core.paginator import InvalidPage, Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def read_number(request: Request, name: str, default: int, highest: int | None = None) -> int:
    """Read a whole number ≥ 1 from the query. Raises ValidationError naming the parameter otherwise."""
    raw = request.query_params.get(name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError:
        value = 0
    if value < 1 or (highest is not None and value > highest):
        limits = _("a whole number from 1")
        if highest:
            limits = _("a whole number from 1 to %(highest)s") % {"highest": highest}
        raise ValidationError({name: [_("Give %(limits)s.") % {"limits": limits}]})
    return value


def paginate(
    request: Request, rows: QuerySet[Any], *, max_limit: int = MAX_LIMIT
) -> tuple[list[Any], dict[str, int]]:
    """Return one page of ``rows`` and the ``pagination`` block.

    Raises:
        ValidationError: ``page`` or ``limit`` is not a number, too large, or past the last page.
    """
    limit = read_number(request, "limit", DEFAULT_LIMIT, max_limit)
    number = read_number(request, "page", 1)
    paginator = Paginator(rows, limit)
    try:
        page = paginator.page(number)
    except InvalidPage:
        message = _("There are only %(pages)s pages.") % {"pages": paginator.num_pages}
        raise ValidationError({"page": [message]}) from None
    block = {
        "current_page": number,
        "total_pages": paginator.num_pages,
        "total_items": paginator.count,
        "items_per_page": limit,
    }
    return list(page.object_list), block
