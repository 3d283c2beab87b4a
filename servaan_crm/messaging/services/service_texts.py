"""The café's own service messages: invitations, welcomes, low stock, and a text to many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _

from servaan_crm.core.actors import Actor
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_number
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.provider_templates import BUSINESS_INVITE, LOW_STOCK_ALERT, WELCOME_MESSAGE
from servaan_crm.messaging.services.checks import guests_with
from servaan_crm.messaging.services.queue import MessageDraft, queue_message, queue_messages
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.tenancy.current import get_cafe

MOST_RECIPIENTS = 1000
OPT_OUT_LINE = "\nلغو۱۱"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What came of a text to many. ``invalid``: numbers as they were given that nobody can be reached by."""

    group_id: UUID
    queued: int
    duplicates: int
    invalid: list[str] = field(default_factory=list)


def send_invitation(*, actor: Actor, phone: str, inviter: str = "", link: str = "") -> Message:
    """Invite somebody (E.164) to the café's team. ``inviter``: who asks; ``link``: where to accept."""
    name = get_cafe().name
    with _in_the_cafes_language():
        text = (
            _("%(inviter)s invites you to work with %(cafe)s.")
            if inviter
            else _("You are invited to work with %(cafe)s.")
        )
        body = text % {"inviter": inviter, "cafe": name}
    body = f"{body}\n{link}" if link else body
    values = {"token": link or name, "token10": name, "token20": inviter}
    return _send(actor, phone, body, BUSINESS_INVITE, values)


def send_welcome(*, actor: Actor, phone: str, name: str = "", username: str = "") -> Message:
    """Welcome a new member of the team (E.164). ``username``: what to log in with."""
    cafe = get_cafe().name
    with _in_the_cafes_language():
        greeting = _("%(name)s, welcome to %(cafe)s.") if name else _("Welcome to %(cafe)s.")
        body = greeting % {"name": name, "cafe": cafe}
        if username:
            body += "\n" + _("Your user name: %(username)s") % {"username": username}
    values = {"token": username or cafe, "token10": name or cafe, "token20": cafe}
    return _send(actor, phone, body, WELCOME_MESSAGE, values)


def send_low_stock(
    *, actor: Actor, phone: str, item: str, stock: Decimal, minimum: Decimal | None = None, unit: str = ""
) -> Message:
    """Tell somebody of the team (E.164) that ``item`` runs out. ``stock``, ``minimum``: amounts in ``unit``."""
    amounts = [
        f"{format_number(value, places=3)} {unit}".strip() for value in (stock, minimum) if value is not None
    ]
    with _in_the_cafes_language():
        body = (
            _("Low stock: %(item)s") % {"item": item} + "\n" + _("Left: %(amount)s") % {"amount": amounts[0]}
        )
        if minimum is not None:
            body += "\n" + _("Least wanted: %(amount)s") % {"amount": amounts[1]}
    values = {
        "token": localize(str(stock)),
        "token2": "" if minimum is None else localize(str(minimum)),
        "token10": item,
    }
    return _send(actor, phone, body, LOW_STOCK_ALERT, values)


def send_to_many(*, actor: Actor, phones: Sequence[str], text: str) -> BulkResult:
    """Put one advertising text to many numbers into the outbox, each number once.

    Consent, blocked guests, the frequency cap and the quiet window are asked when it is sent, as for campaigns. The
    opt-out line is added where the café's rules say so. Raises ValidationError for an empty or overlong text.
    """
    region = get_locale().phone_region
    invalid: list[str] = []
    wanted: dict[str, None] = {}
    for raw in phones:
        try:
            wanted[parse_phone(raw, region)] = None
        except PhoneError:
            invalid.append(raw)
    body = text.strip()
    if not body:
        raise ValidationError({"message": [_("Write a text.")]})
    if get_rules().adds_opt_out_line and get_locale().country == "IR":
        body += OPT_OUT_LINE
    group_id = uuid7()
    guests = guests_with(list(wanted))
    new = queue_messages(
        [
            MessageDraft(
                recipient=phone,
                body=body,
                kind="bulk_sms",
                purpose=Message.Purpose.MARKETING,
                customer_id=guests.get(phone),
                group_id=group_id,
            )
            for phone in wanted
        ],
        actor=actor,
    )
    return BulkResult(group_id, len(new), len(phones) - len(invalid) - len(wanted), invalid)


def _send(actor: Actor, phone: str, body: str, template: str, values: dict[str, str]) -> Message:
    return queue_message(
        actor=actor,
        recipient=phone,
        body=body,
        kind=template.replace("-", "_"),
        purpose=Message.Purpose.TRANSACTIONAL,
        template=template,
        values={key: value for key, value in values.items() if value},
    )


def _in_the_cafes_language() -> translation.override:
    return translation.override(get_cafe().language)
