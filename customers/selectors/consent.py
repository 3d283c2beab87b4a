"""May this guest be sent advertising on a channel? One definition, for a queryset, a batch and one guest.

A guest may when ``allow_marketing`` is on and the newest answer for the channel (or for "all") is yes, or there is
none; blocked and deleted guests never.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import BooleanField, Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils.functional import Promise

from customers.models import Channel, ConsentChange, Customer

ALL = "all"


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What a guest says to advertising on one channel, and the newest answer about it, if any."""

    code: str
    label: str | Promise
    allowed: bool
    answer: ConsentChange | None


def may_be_messaged(channel: str) -> Combinable:
    """Return the annotation "this guest may be sent advertising on ``channel``" (boolean)."""
    newest = ConsentChange.objects.filter(customer=OuterRef("pk"), channel__in=[channel, ALL]).order_by("-id")
    answer = Coalesce(Subquery(newest.values("granted")[:1]), Value(True))
    open_to_any = Q(allow_marketing=True, deleted_at=None) & ~Q(status=Customer.Status.BLOCKED)
    return Case(When(open_to_any, then=answer), default=Value(False), output_field=BooleanField())


def reachable(rows: QuerySet[Customer], channel: str) -> QuerySet[Customer]:
    """Narrow ``rows`` to the guests who may be sent advertising on ``channel``."""
    return rows.annotate(may_be_messaged=may_be_messaged(channel)).filter(may_be_messaged=True)


def is_allowed(customer: Customer, channel: str) -> bool:
    """Say for one guest what :func:`may_be_messaged` says of a queryset; one query at most."""
    if not customer.allow_marketing or customer.deleted_at is not None or customer.is_blocked:
        return False
    return newest_answers([customer.pk])[customer.pk].get(channel, (0, True))[1]


def newest_answers(customer_ids: Iterable[UUID]) -> dict[UUID, dict[str, tuple[int, bool]]]:
    """Return guest → channel → (number, answer) of the newest answer; channels without one are absent. One query."""
    found: dict[UUID, dict[str, tuple[int, bool]]] = {pk: {} for pk in customer_ids}
    rows = (
        ConsentChange.objects.filter(customer_id__in=found)
        .order_by("customer_id", "channel", "-id")
        .distinct("customer_id", "channel")
    )
    for customer_id, channel, number, granted in rows.values_list("customer_id", "channel", "id", "granted"):
        for code in Channel.values if channel == ALL else [channel]:
            known = found[customer_id].get(code)
            if known is None or known[0] < number:
                found[customer_id][code] = (number, granted)
    return found


def channel_states(customer: Customer) -> list[ChannelState]:
    """Return the guest's state on every channel; two queries."""
    answers = newest_answers([customer.pk])[customer.pk]
    rows = ConsentChange.objects.in_bulk([number for number, _granted in answers.values()])
    open_to_any = customer.allow_marketing and customer.deleted_at is None and not customer.is_blocked
    states = []
    for code, label in Channel.choices:
        number, granted = answers.get(code, (0, True))
        states.append(ChannelState(code, label, open_to_any and granted, rows.get(number)))
    return states


def consent_history(customer_id: UUID) -> QuerySet[ConsentChange]:
    """Return every yes and no of the guest, newest first."""
    return ConsentChange.objects.filter(customer_id=customer_id).order_by("-id")
