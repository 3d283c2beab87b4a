"""Every write of the outreach room."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.services.attach import hold_guest
from outreach.models import Interaction
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.l10n.jalali import local_date


def log_interaction(
    *,
    actor: Actor,
    customer_id: UUID,
    type: str,
    direction: str,
    subject: str = "",
    details: str = "",
    outcome: str = "",
    agent_id: UUID | None = None,
    interaction_date: datetime | None = None,
    follow_up_date: date | None = None,
) -> Interaction:
    """Note one contact with a guest.

    Args:
        agent_id: who talked to the guest; the actor by default. Only those who manage outreach may note a
            contact in somebody else's name.
        interaction_date: UTC; now by default, never in the future.
        follow_up_date: when to get back to the guest; not before the day of the contact.

    Raises:
        CustomerNotFound, PermissionDenied, ValidationError.
    """
    interaction = Interaction(
        type=type,
        direction=direction,
        subject=subject.strip(),
        details=details.strip(),
        outcome=outcome,
        agent=_agent(actor, agent_id),
        interaction_date=interaction_date or timezone.now(),
        follow_up_date=follow_up_date,
    )
    _check_dates(interaction)
    with write(actor):
        interaction.customer_id = hold_guest(customer_id)
        interaction.full_clean()
        interaction.save()
    return interaction


def _agent(actor: Actor, agent_id: UUID | None) -> User | None:
    me = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if agent_id is None or agent_id == actor.user_id:
        return me
    if me is not None and not can(me, P.OUTREACH_MANAGE):
        raise PermissionDenied(details={"agent_id": str(agent_id)})
    agent = User.objects.filter(pk=agent_id, is_active=True).first()
    if agent is None:
        raise ValidationError({"agent_id": [_("There is no such staff member.")]})
    return agent


def _check_dates(interaction: Interaction) -> None:
    if interaction.interaction_date > timezone.now():
        raise ValidationError({"interaction_date": [_("This time has not come yet.")]})
    follow_up = interaction.follow_up_date
    if follow_up is not None and follow_up < local_date(interaction.interaction_date):
        raise ValidationError({"follow_up_date": [_("The follow-up cannot be before the contact.")]})
