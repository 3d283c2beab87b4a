"""Words of the customer pages: ``{% load customers %}``."""

from datetime import datetime
from uuid import UUID

from django import template
from django.utils import timezone

from customers.models import CustomerNote
from customers.selectors import notes as note_rows
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.l10n.jalali import days_since, format_date, local_date, relative_day

register = template.Library()

# Up to here "five days ago" says more than a date; beyond it, the other way round.
NEAR_DAYS = 13


@register.filter
def visit_day(at: datetime) -> str:
    """Return the day of a visit: in words when it is near, else as a date."""
    now = timezone.now()
    return (
        relative_day(at, now)
        if days_since(at, now) <= NEAR_DAYS
        else format_date(local_date(at), style="long")
    )


@register.filter
def table_label(name: str) -> str:
    """Return a table's number in the screen's digits; a code such as A5 stays as it is."""
    return localize(name) if to_ascii(name).isdigit() else name


@register.simple_tag
def pinned_notes(customer_id: UUID) -> list[CustomerNote]:
    """Return the notes everybody who serves this guest must see."""
    return note_rows.pinned_notes(customer_id)
