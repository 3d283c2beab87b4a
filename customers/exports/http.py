"""An export as an answer, and its trace: who took what out of the book."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from customers.exports.book import book_csv, book_xlsx
from customers.exports.files import CSV_TYPE, XLSX_TYPE
from customers.exports.rows import columns_of
from customers.selectors.customers import CustomerList
from servaan_crm.core.actors import Actor
from servaan_crm.core.models import AuditEntry
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import format_date, local_date
from servaan_crm.l10n.locale import get_locale, use_locale
from servaan_crm.tenancy.current import get_cafe

FORMATS = ("csv", "xlsx")
TYPES = {"csv": CSV_TYPE, "xlsx": XLSX_TYPE}


def export_response(
    *, actor: Actor, found: CustomerList, format_name: str, asked: Mapping[str, Any]
) -> StreamingHttpResponse:
    """Answer with the guests of ``found`` as a file, and write down who asked for which.

    Args:
        format_name: one of ``FORMATS``.
        asked: the filters in use, for the audit trail.
    """
    note_export(actor, {"what": "customers", "format": format_name, "filters": dict(asked)})
    return streamed(
        lambda: _pieces(found, format_name), f"customers-{_today()}.{format_name}", TYPES[format_name]
    )


def _pieces(found: CustomerList, format_name: str) -> Iterator[bytes]:
    locale = get_locale()
    columns = columns_of(locale)
    if format_name == "csv":
        return book_csv(found, columns, locale)
    return book_xlsx(_("Customers"), found, columns, locale)


def streamed(make: Callable[[], Iterable[bytes]], name: str, content_type: str) -> StreamingHttpResponse:
    """Answer with what ``make`` gives, piece by piece.

    The answer is read after the request is over and its café was put away, so the café, its locale and the
    language are entered again, around the reading of every piece.
    """
    response = StreamingHttpResponse(_inside(make), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Accel-Buffering"] = "no"
    response["Cache-Control"] = "no-store"
    return response


def _inside(make: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    cafe, locale, language = get_cafe(), get_locale(), translation.get_language() or "fa"

    def pieces() -> Iterator[bytes]:
        with tenant_context(cafe), use_locale(locale), translation.override(language):
            yield from make()

    return pieces()


def note_export(actor: Actor, what: Mapping[str, Any]) -> None:
    """Leave a row in the audit trail: ``actor`` took ``what`` out of the book."""
    filters = {name: str(value) for name, value in what.get("filters", {}).items()}
    AuditEntry.objects.create(
        table_name="customers_customer",
        row_id="*",
        action="export",
        new={**what, "filters": filters},
        actor_id=str(actor.user_id or ""),
        actor_name=actor.name,
    )


def _today() -> str:
    return to_ascii(format_date(local_date(timezone.now()))).replace("/", "-")
