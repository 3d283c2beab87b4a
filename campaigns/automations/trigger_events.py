"""Triggers that hear an event: a visit, a new guest, a segment, a tier, a rating."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.automations.triggers import Occasion, Option, Trigger, isolated, register_trigger
from campaigns.models import Automation
from customers.models import Customer, CustomerSummary, Visit
from feedback.models import Feedback
from loyalty.models import Tier, TierChange
from segments.models import Segment, SegmentChange
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_number

ASKS_RATING = Option(
    "asks_rating", "flag", gettext_lazy("A reply of 1 to 5 is taken as a rating"), default=False
)


def day_of(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the first instant of a day of the café and the first after it."""
    return local_day_bounds(day, get_locale().tz)


def _day_heard(payload: Mapping[str, Any]) -> dt.date:
    return local_date(payload.get("event_at") or timezone.now())


class VisitTrigger(Trigger):
    """Base of the triggers about a visit."""

    event = "visit.recorded"
    variables = ("visit_number",)
    is_service = True

    def facts(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what the guest had when the visit was recorded: the balance may have moved since."""
        return {
            "visit_id": payload["visit_id"],
            "visit_number": payload["visit_number"],
            "points": payload["balance_after"],
        }

    def visits_of(self, day: dt.date) -> Iterable[tuple[UUID, UUID, int | None]]:
        """Return (visit, guest, number) of what was recorded on ``day`` and counts."""
        begin, end = day_of(day)
        rows = Visit.objects.filter(
            created_at__gte=begin, created_at__lt=end, voided_at=None, customer__isnull=False, import_id=None
        )
        numbered = rows.order_by("created_at").values_list("pk", "customer_id", "visit_number")
        return ((pk, guest, number) for pk, guest, number in numbered if guest is not None)


@register_trigger
class EveryVisit(VisitTrigger):
    """After each visit."""

    code = Automation.Trigger.VISIT
    options: ClassVar[tuple[Option, ...]] = (ASKS_RATING,)

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        yield Occasion(UUID(payload["customer_id"]), f"visit:{payload['visit_id']}", self.facts(payload))

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        for visit, guest, number in self.visits_of(day):
            yield Occasion(guest, f"visit:{visit}", {"visit_id": str(visit), "visit_number": number})

    def say(self, automation: Automation) -> str:
        return _("When a guest has been here")


@register_trigger
class FirstVisit(VisitTrigger):
    """After the first visit; once per guest."""

    code = Automation.Trigger.FIRST_VISIT
    options: ClassVar[tuple[Option, ...]] = (ASKS_RATING,)

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        if payload.get("visit_number") == 1:
            yield Occasion(UUID(payload["customer_id"]), "first-visit", self.facts(payload))

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        for visit, guest, number in self.visits_of(day):
            if number == 1:
                yield Occasion(guest, "first-visit", {"visit_id": str(visit), "visit_number": 1})

    def say(self, automation: Automation) -> str:
        return _("When a guest was here for the first time")


# Visits that were voided keep their number, so the ones that count are counted.
_NUMBERS = """
SELECT v.id, v.customer_id, (SELECT count(*) FROM customers_visit AS w WHERE w.customer_id = v.customer_id
                                AND w.voided_at IS NULL AND w.visit_number <= v.visit_number)
  FROM customers_visit AS v WHERE v.id = ANY(%s) AND v.customer_id IS NOT NULL
"""


@register_trigger
class NthVisit(VisitTrigger):
    """After every so many visits that count."""

    code = Automation.Trigger.NTH_VISIT
    options: ClassVar[tuple[Option, ...]] = (
        Option("every", "number", gettext_lazy("After every so many visits"), default=10, least=2, most=1000),
        Option("once", "flag", gettext_lazy("Only the first time"), default=False),
    )

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        for occasion in self._reached(automation, [UUID(payload["visit_id"])]):
            facts = {**self.facts(payload), "visit_number": occasion.facts["visit_number"]}
            yield Occasion(occasion.customer_id, occasion.occurrence, facts)

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        return self._reached(automation, [visit for visit, _guest, _number in self.visits_of(day)])

    def _reached(self, automation: Automation, visits: list[UUID]) -> Iterable[Occasion]:
        every, once = self.value(automation, "every"), self.value(automation, "once")
        with connection.cursor() as cursor:
            cursor.execute(_NUMBERS, [visits])
            rows = cursor.fetchall()
        for visit, guest, number in rows:
            if number and (number == every if once else number % every == 0):
                yield Occasion(guest, f"visits:{number}", {"visit_id": str(visit), "visit_number": number})

    def say(self, automation: Automation) -> str:
        every = self.value(automation, "every")
        words = (
            _("When a guest was here for the %(n)s. time")
            if self.value(automation, "once")
            else _("After every %(n)s visits of a guest")
        )
        return words % {"n": format_number(every)}


@register_trigger
class Created(Trigger):
    """A guest was entered, by hand or at the counter; not from a file."""

    code = Automation.Trigger.CREATED
    event = "customer.created"
    is_service = True

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        yield Occasion(UUID(payload["customer_id"]), "created")

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        begin, end = day_of(day)
        rows = Customer.objects.filter(
            created_at__gte=begin, created_at__lt=end, deleted_at=None, import_id=None
        )
        for guest in rows.order_by("created_at").values_list("pk", flat=True):
            yield Occasion(guest, "created")

    def say(self, automation: Automation) -> str:
        return _("When a guest is entered for the first time")


class SegmentTrigger(Trigger):
    """Guests came into a segment or left it; once a day at most, also when a guest goes to and fro."""

    options: ClassVar[tuple[Option, ...]] = (Option("segment", "segment", gettext_lazy("Segment")),)
    way: ClassVar[str]

    def _occasion(self, guest: UUID, key: str, day: dt.date) -> Occasion:
        return Occasion(guest, f"segment:{key}:{self.way}:{day}", {"segment": key})

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        if payload["key"] == automation.trigger_options.get("segment"):
            day = _day_heard(payload)
            for guest in payload["customer_ids"]:
                yield self._occasion(UUID(guest), payload["key"], day)

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        key = automation.trigger_options.get("segment", "")
        begin, end = day_of(day)
        rows = SegmentChange.objects.filter(
            segment__key=key, entered=self.way == "in", at__gte=begin, at__lt=end
        )
        for guest in rows.order_by("at").values_list("customer_id", flat=True):
            yield self._occasion(guest, key, day)

    def _name(self, automation: Automation) -> str:
        key = automation.trigger_options.get("segment", "")
        return isolated(Segment.objects.filter(key=key).values_list("name", flat=True).first() or key)


@register_trigger
class SegmentEntered(SegmentTrigger):
    """Guests came into a segment."""

    code = Automation.Trigger.SEGMENT_ENTERED
    event = "segment.entered"
    way = "in"

    def say(self, automation: Automation) -> str:
        return _("When a guest comes into the segment “%(name)s”") % {"name": self._name(automation)}


@register_trigger
class SegmentLeft(SegmentTrigger):
    """Guests left a segment."""

    code = Automation.Trigger.SEGMENT_LEFT
    event = "segment.left"
    way = "out"

    def say(self, automation: Automation) -> str:
        return _("When a guest leaves the segment “%(name)s”") % {"name": self._name(automation)}


@register_trigger
class TierReached(Trigger):
    """A guest moved to another tier."""

    code = Automation.Trigger.TIER_CHANGED
    event = "loyalty.tier_changed"
    variables = ("tier",)
    is_service = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("to", "tiers", gettext_lazy("Tiers (none chosen: every tier)"), default=[]),
        Option("only_up", "flag", gettext_lazy("Only on the way up"), default=True),
    )

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        change = (UUID(payload["customer_id"]), payload["from_tier"], payload["to_tier"])
        return self._wanted(automation, [change], _day_heard(payload))

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        begin, end = day_of(day)
        rows = TierChange.objects.filter(created_at__gte=begin, created_at__lt=end).order_by("created_at")
        return self._wanted(automation, rows.values_list("customer_id", "from_tier", "to_tier"), day)

    def _wanted(
        self, automation: Automation, changes: Iterable[tuple[UUID, str, str]], day: dt.date
    ) -> Iterable[Occasion]:
        wanted, only_up = self.value(automation, "to"), self.value(automation, "only_up")
        order = list(Tier.objects.order_by("threshold").values_list("level", flat=True))
        for guest, before, now in changes:
            up = before in order and now in order and order.index(now) > order.index(before)
            if (not wanted or now in wanted) and (up or not only_up):
                yield Occasion(guest, f"tier:{now}:{day}", {"tier": now, "from_tier": before})

    def say(self, automation: Automation) -> str:
        wanted = self.value(automation, "to")
        if not wanted:
            words = _("When a guest rises to a new tier"), _("When a guest's tier changes")
            return words[0] if self.value(automation, "only_up") else words[1]
        levels = CustomerSummary.TierLevel
        names = _(" or ").join(str(levels(level).label) for level in wanted)
        return _("When a guest reaches the tier %(names)s") % {"names": names}


@register_trigger
class LowRating(Trigger):
    """A guest gave few stars."""

    code = Automation.Trigger.LOW_RATING
    event = "feedback.recorded"
    variables = ("rating",)
    is_service = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("most", "number", gettext_lazy("At most so many stars"), default=2, least=1, most=5),
    )

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        if payload.get("customer_id") and payload["rating"] <= self.value(automation, "most"):
            facts = {"rating": payload["rating"], "feedback_id": payload["feedback_id"]}
            yield Occasion(UUID(payload["customer_id"]), f"feedback:{payload['feedback_id']}", facts)

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        begin, end = day_of(day)
        rows = Feedback.objects.filter(
            created_at__gte=begin, created_at__lt=end, customer__isnull=False,
            rating__lte=self.value(automation, "most"),
        )  # fmt: skip
        for pk, guest, rating in rows.order_by("created_at").values_list("pk", "customer_id", "rating"):
            yield Occasion(guest, f"feedback:{pk}", {"rating": rating, "feedback_id": str(pk)})

    def say(self, automation: Automation) -> str:
        most = self.value(automation, "most")
        words = ngettext("When a guest gives %(n)s star", "When a guest gives %(n)s stars or fewer", most)
        return words % {"n": format_number(most)}
