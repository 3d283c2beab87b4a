"""A text of a campaign sent to one phone, to see what it looks like. It counts for nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.addresses import example_link
from campaigns.errors import CampaignNotFound
from campaigns.estimates import read_letters
from campaigns.models import Campaign, CampaignType
from campaigns.services.sending import check_account, check_complete
from campaigns.services.states import require
from campaigns.texts import MissingValue, variables
from campaigns.values import Guest, cafe_name, guest_values
from customers.models import Customer
from customers.selectors.customers import get_customer
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.messaging.models import InboundMessage, Message, PushSubscription
from servaan_crm.messaging.services import queue_message
from servaan_crm.messaging.services.rules import get_rules

# So much of an address fits into a message; half of one would lead nowhere.
MOST_URL = 300


def send_test(
    *, actor: Actor, campaign_id: UUID, to: str = "", customer_id: UUID | None = None, variant: str = ""
) -> Message:
    """Send the text once, filled in for ``customer_id`` or an example guest, to ``to`` (as typed) or that guest.

    It counts for nothing: no delivery, no cap, and its link leads straight to the café's page.

    Raises ValidationError, CampaignNotFound, CustomerNotFound, NoAccount, WrongCampaignState.
    """
    campaign = Campaign.objects.select_related("discount_code").filter(pk=campaign_id).first()
    if campaign is None:
        raise CampaignNotFound(details={"campaign_id": str(campaign_id)})
    require(campaign, "test")
    check_complete(campaign)
    check_account(campaign)
    customer = get_customer(customer_id) if customer_id else None
    recipient = _address(campaign.type, to) if to.strip() else _address_of(campaign.type, customer)
    subject, body = _written(campaign, customer, variant)
    link = campaign.link_url if len(campaign.link_url) <= MOST_URL else ""
    with write(actor):
        return queue_message(
            actor=actor, recipient=recipient, body=body, subject=subject[:200], kind="campaign_test",
            purpose=Message.Purpose.TRANSACTIONAL, channel=campaign.type, url=link,
            customer_id=customer.pk if customer and not to.strip() else None,
        )  # fmt: skip


def _written(campaign: Campaign, customer: Customer | None, variant: str) -> tuple[str, str]:
    letters = read_letters(campaign, get_rules())
    if variant and variant not in letters:
        raise ValidationError({"variant": [_("There is no such text.")]})
    values: dict[str, str]
    if customer is not None:
        values = guest_values(Guest.of(customer))
    else:
        values = {one.name: str(one.example) for one in variables()} | {"cafe_name": cafe_name()}
    values["link"] = campaign.link_url and example_link()
    values["code"] = campaign.discount_code.code if campaign.discount_code else ""
    try:
        return letters[variant].render(values)
    except MissingValue as error:
        message = _("This guest has no value for {{%(name)s}}; write a substitute.") % {"name": error.name}
        raise ValidationError({"content": [message]}) from None


def _address(channel: str, typed: str) -> str:
    if channel in (CampaignType.SMS, CampaignType.WHATSAPP):
        try:
            return parse_phone(typed, get_locale().phone_region)
        except PhoneError as error:
            raise ValidationError({"to": [error.suggestion(get_locale().language)]}) from None
    if channel == CampaignType.EMAIL:
        try:
            validate_email(typed.strip())
        except ValidationError as error:
            raise ValidationError({"to": error.messages}) from None
        return typed.strip()
    raise ValidationError({"to": [_("On this channel choose a guest.")]})


def _address_of(channel: str, customer: Customer | None) -> str:
    found: Any = ""
    if customer is not None and channel in (CampaignType.SMS, CampaignType.WHATSAPP):
        found = customer.phone
    elif customer is not None and channel == CampaignType.EMAIL:
        found = customer.email
    elif customer is not None and channel == CampaignType.PUSH:
        rows = PushSubscription.objects.filter(customer_id=customer.pk, failed_at=None).order_by(
            "-created_at"
        )
        found = rows.values_list("pk", flat=True).first() or ""
    elif customer is not None:
        day = timezone.now() - timedelta(hours=24)
        wrote = InboundMessage.objects.filter(customer_id=customer.pk, channel=channel, received_at__gt=day)
        found = wrote.order_by("-received_at").values_list("sender", flat=True).first() or ""
    if not found:
        raise ValidationError({"to": [_("Say where the test goes.")]})
    return str(found)
