"""Automations: what the café says by itself when something happens."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.texts import check_template
from servaan_crm.core.models import BaseModel


def validate_template(value: str) -> None:
    """Raise ValidationError (code INVALID_TEMPLATE) that names what is wrong with the text."""
    check_template(value)


class Automation(BaseModel):
    """A message that follows an event, at most once per occurrence."""

    class Trigger(models.TextChoices):
        FIRST_VISIT = "visit.recorded:first", _("after a guest's first visit")

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")

    key = models.SlugField(_("key"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    trigger = models.CharField(_("trigger"), max_length=40, choices=Trigger.choices)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS)
    template = models.TextField(_("text"), validators=[validate_template])
    is_active = models.BooleanField(_("active"), default=True)
    is_system = models.BooleanField(_("built in"), default=False, editable=False)

    class Meta:
        verbose_name = _("automation")
        verbose_name_plural = _("automations")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=~Q(template=""), name="automation_has_text"),
            models.CheckConstraint(condition=Q(channel="sms"), name="automation_channel"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if not self.template.strip():
            raise ValidationError({"template": _("Write the text of the message.")})
