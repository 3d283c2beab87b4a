"""A guest's yes or no to advertising, per channel; blocking a guest."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.events import ConsentChanged
from customers.models import Channel, ConsentChange, Customer
from customers.selectors.consent import newest_answers
from customers.services.customers import ALL_CHANNELS, WANTS_NONE, lock_guest, update_customer
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.events import publish
from servaan_crm.messaging.services import block_waiting

_NO_TO_CHANNEL = gettext_lazy("The guest wants no offers on this channel.")


@survives_deadlock
def set_consent(
    *,
    actor: Actor,
    customer_id: UUID,
    channel: str,
    granted: bool,
    source: str,
    deleted_too: bool = False,
    explicit: bool = False,
) -> Customer:
    """Write down a yes or no and act on it at once: what waits in the outbox for a no is blocked.

    A yes on one channel after a no to everything opens that channel alone. Saying the same again leaves no row.

    Args:
        channel: a value of ``Channel``, or "all".
        source: how it was said, a value of ``ConsentChange.Source``.
        deleted_too: also for guests who were deleted and may come back.
        explicit: leave a row for a first yes too, where nobody had said no: the guest asked for this channel.

    Raises CustomerNotFound, ValidationError.
    """
    if channel not in (ALL_CHANNELS, *Channel.values):
        legal = ", ".join((ALL_CHANNELS, *Channel.values))
        raise ValidationError({"channel": [_("Choose one of: %(values)s.") % {"values": legal}]})
    with write(actor):
        customer = lock_guest(customer_id, deleted_too=deleted_too)
        if not _is_news(customer, channel, granted):
            if explicit and channel not in newest_answers([customer.pk])[customer.pk]:
                _add(customer, channel, granted, source, actor)
            return customer
        if granted and channel != ALL_CHANNELS and not customer.allow_marketing:
            _close_the_others(customer, actor, source)
        _add(customer, channel, granted, source, actor)
        if granted or channel == ALL_CHANNELS:
            _set_flag(customer, granted, actor)
        if not granted:
            reason = WANTS_NONE if channel == ALL_CHANNELS else _NO_TO_CHANNEL
            block_waiting(
                customer_id=customer.pk,
                reason=str(reason),
                channel=None if channel == ALL_CHANNELS else channel,
            )
        publish(ConsentChanged(customer_id=str(customer.pk), channel=channel, granted=granted))
    return customer


def block_customer(
    *, actor: Actor, customer_id: UUID, reason: str, expected_version: int | None = None
) -> Customer:
    """Block a guest: no points, no messages. ``reason`` is shown to staff.

    Raises CustomerNotFound, EditConflict, ValidationError.
    """
    if not reason.strip():
        raise ValidationError({"block_reason": [_("Say why, so that your colleagues know.")]})
    changes = {"status": Customer.Status.BLOCKED, "block_reason": reason}
    customer = update_customer(
        actor=actor, customer_id=customer_id, expected_version=expected_version, changes=changes
    )
    block_waiting(customer_id=customer_id, reason=_("The guest is blocked."))
    return customer


def unblock_customer(*, actor: Actor, customer_id: UUID) -> Customer:
    """Take the block off. Raises CustomerNotFound."""
    return update_customer(
        actor=actor,
        customer_id=customer_id,
        expected_version=None,
        changes={"status": Customer.Status.ACTIVE},
    )


def _is_news(customer: Customer, channel: str, granted: bool) -> bool:
    answers = newest_answers([customer.pk])[customer.pk]
    if channel != ALL_CHANNELS:
        allowed = customer.allow_marketing and answers.get(channel, (0, True))[1]
        return allowed != granted
    differing = any(answer != granted for _number, answer in answers.values())
    return customer.allow_marketing != granted or differing


def _close_the_others(customer: Customer, actor: Actor, source: str) -> None:
    """Turn a no that stands in the guest's record alone into an answer, so that one yes opens one channel."""
    answers = newest_answers([customer.pk])[customer.pk]
    if any(channel not in answers or answers[channel][1] for channel in Channel.values):
        _add(customer, ALL_CHANNELS, False, source, actor)


def _add(customer: Customer, channel: str, granted: bool, source: str, actor: Actor) -> None:
    ConsentChange.objects.create(
        customer=customer, channel=channel, granted=granted, source=source, actor_name=actor.name
    )


def _set_flag(customer: Customer, allowed: bool, actor: Actor) -> None:
    if customer.allow_marketing == allowed:
        return
    customer.allow_marketing = allowed
    customer.version += 1
    customer.updated_by_id = actor.user_id
    customer.save(update_fields=["allow_marketing", "version", "updated_by", "updated_at"])
