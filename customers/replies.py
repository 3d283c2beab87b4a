"""What a guest who writes to the café means: a no, a yes, a rating that was asked for, or anything else."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from customers.merging.heirs import heir_of
from customers.models import Customer
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.l10n.text import search_key
from servaan_crm.messaging.models import InboundMessage, Message

# Messages of this kind ask for a number from 1 to 5; an answer counts that many days.
FEEDBACK_REQUEST = "feedback_request"
ANSWER_WITHIN = timedelta(days=7)

# As the search key writes them: digits of any script are Latin there. Iranian lines use لغو۱۱ and ۱۲.
_NO = frozenset({"لغو", "لغو11", "لغو 11", "11", "off", "stop", "unsubscribe", "cancel"})
_YES = frozenset({"12", "start"})
_RATINGS = frozenset("12345")

Meaning = InboundMessage.Meaning


def meaning_of(body: str) -> str:
    """``Meaning`` of a text by its words alone; a lone digit from 1 to 5 may be a rating."""
    key = search_key(body).strip(" .!")
    if key in _NO:
        return Meaning.OPT_OUT
    if key in _YES:
        return Meaning.OPT_IN
    return Meaning.RATING if key in _RATINGS else Meaning.TEXT


def rating_in(body: str) -> int:
    """The digit of a text whose meaning is a rating."""
    return int(to_ascii(search_key(body).strip(" .!")))


def was_asked(customer_id: UUID) -> bool:
    """Whether this guest was asked for a rating lately, and the feedback room takes it."""
    since = timezone.now() - ANSWER_WITHIN
    asked = Message.objects.filter(
        customer_id=customer_id, kind=FEEDBACK_REQUEST, sent_at__gte=since, state__in=["sent", "delivered"]
    )
    return is_enabled("feedback") and asked.exists()


def guest_of(sender: str, channel: str) -> UUID | None:
    """The guest who wrote, by the number the provider gives; None for strangers and for channels without numbers."""
    if channel not in {Message.Channel.SMS, Message.Channel.WHATSAPP}:
        return None
    digits = to_ascii(sender).strip()
    if channel == Message.Channel.WHATSAPP and digits.isdigit() and not digits.startswith("0"):
        digits = f"+{digits}"  # WhatsApp writes country codes without a plus
    try:
        phone = parse_phone(digits, get_locale().phone_region)
    except PhoneError:
        return None
    guest = Customer.objects.filter(phone=phone, deleted_at=None).values_list("pk", flat=True).first()
    return guest or heir_of(phone)
