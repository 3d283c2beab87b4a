"""Contacts with guests."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class Interaction(BaseModel):
    """One contact between the café and a guest: a call, a message, a talk."""

    class Type(models.TextChoices):
        CALL = "call", _("Phone call")
        WHATSAPP = "whatsapp", _("WhatsApp")
        SMS = "sms", _("SMS")
        EMAIL = "email", _("E-mail")
        VISIT = "visit", _("In person")

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("From the guest")
        OUTBOUND = "outbound", _("To the guest")

    class Outcome(models.TextChoices):
        SUCCESSFUL = "successful", pgettext_lazy("contact", "Successful")
        NO_ANSWER = "no_answer", _("No answer")
        FOLLOW_UP_NEEDED = "follow_up_needed", _("Follow-up needed")
        NOT_INTERESTED = "not_interested", _("Not interested")

    customer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("customer"), related_name="interactions"
    )
    type = models.CharField(_("type"), max_length=10, choices=Type.choices)
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    details = models.TextField(_("details"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices, blank=True)
    agent = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, verbose_name=_("agent"), related_name="interactions"
    )
    interaction_date = models.DateTimeField(_("time of contact"), default=timezone.now)
    follow_up_date = models.DateField(_("follow up on"), null=True, blank=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=["call", "whatsapp", "sms", "email", "visit"]), name="interaction_type"
            ),
            models.CheckConstraint(
                condition=Q(direction__in=["inbound", "outbound"]), name="interaction_direction"
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=["", "successful", "no_answer", "follow_up_needed", "not_interested"]
                ),
                name="interaction_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-interaction_date"], name="interaction_of_customer"),
            models.Index(fields=["agent", "-interaction_date"], name="interaction_of_agent"),
            models.Index(
                fields=["follow_up_date"],
                name="interaction_follow_up",
                condition=Q(follow_up_date__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.interaction_date:%Y-%m-%d}"
