"""``/api/crm/customers/upcoming-events`` and ``…/birthdays``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.views import CustomerAPIView
from customers.selectors.events import MAX_DAYS, EventType, UpcomingEvent, upcoming_events
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national

DEFAULT_DAYS = 30


class DaysQuery(serializers.Serializer[None]):
    """How many days to look ahead; today and the last day are included."""

    days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, required=False, help_text="1 to 366, default 30."
    )


class EventsQuery(DaysQuery):
    """Days ahead, and only events of one type."""

    event_type = serializers.ChoiceField(choices=EventType.choices, required=False)


class EventSerializer(serializers.Serializer[Any]):
    """One event. ``name`` is who celebrates; phone and e-mail are the guest's, also for the family.

    ``event_date`` is the next date it is kept on in the café's calendar; ``years`` the age reached, or the years
    married.
    """

    customer_id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.EmailField(allow_null=True)
    phone = serializers.CharField()
    event_type = serializers.ChoiceField(choices=EventType.choices)
    event_date = serializers.DateField()
    days_until = serializers.IntegerField()
    years = serializers.IntegerField()


def event_payload(event: UpcomingEvent) -> dict[str, Any]:
    """Return one event as :class:`EventSerializer` describes it."""
    return {
        "customer_id": str(event.customer_id),
        "name": event.name,
        "email": event.email or None,
        "phone": national(event.phone, get_locale().phone_region),
        "event_type": event.event_type,
        "event_date": event.event_date,
        "days_until": event.days_until,
        "years": event.years,
    }


class UpcomingEventsView(CustomerAPIView):
    """Birthdays and anniversaries ahead, with those of the family (seed 003 ``/cdm/upcoming-events``)."""

    @extend_schema(
        operation_id="customers_upcoming_events",
        parameters=[EventsQuery],
        responses={200: EventSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List the events, soonest first. Deleted, erased and blocked guests have none."""
        query = read_query(request, EventsQuery)
        types = [query["event_type"]] if "event_type" in query else []
        return _page(request, "events", query.get("days", DEFAULT_DAYS), types)


class BirthdaysView(CustomerAPIView):
    """Birthdays of guests ahead (seed 002)."""

    @extend_schema(
        operation_id="customers_birthdays",
        parameters=[DaysQuery],
        responses={200: EventSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List the birthdays of guests, soonest first; the same rows as in ``upcoming-events``."""
        query = read_query(request, DaysQuery)
        return _page(request, "birthdays", query.get("days", DEFAULT_DAYS), [EventType.BIRTHDAY])


def _page(request: Request, name: str, days: int, types: list[str]) -> Response:
    rows, pagination = paginate(request, upcoming_events(days, types=types))  # type: ignore[arg-type]
    return ok({name: [event_payload(event) for event in rows], "pagination": pagination})
