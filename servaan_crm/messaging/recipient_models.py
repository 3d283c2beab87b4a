"""What is known of the addresses messages go to: numbers that refuse, browsers, codes that prove a phone."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.models import BaseModel


class BlockedNumber(models.Model):
    """A number that refuses the café's line at the provider, synced from the provider's list; or an e-mail address of
    which letters came back."""

    account = models.CharField(_("account"), max_length=40)
    recipient = models.CharField(_("number"), max_length=254)
    seen_at = models.DateTimeField(_("seen"), db_default=Now())

    class Meta:
        verbose_name = _("blocked number")
        verbose_name_plural = _("blocked numbers")
        constraints = [models.UniqueConstraint(fields=["account", "recipient"], name="blocked_number_once")]
        indexes = [models.Index(fields=["recipient"], name="blocked_number_recipient")]

    def __str__(self) -> str:
        return f"{self.account} {self.pk}"


class PushSubscription(BaseModel):
    """A browser of a guest that takes push messages; the id is the recipient of messages."""

    customer_id = models.UUIDField(_("customer"))
    endpoint = models.TextField(_("address"), unique=True)
    p256dh = models.CharField(max_length=200)
    auth = models.CharField(max_length=100)
    failed_at = models.DateTimeField(_("gone"), null=True)

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        indexes = [models.Index(fields=["customer_id"], name="push_customer")]

    def __str__(self) -> str:
        return str(self.pk)


class VerificationCode(BaseModel):
    """A code sent to prove that a phone is somebody's; a keyed hash of it is kept, never the code."""

    phone = models.CharField(_("phone"), max_length=16)
    purpose = models.CharField(_("purpose"), max_length=40)
    code_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField(_("valid until"))
    attempts = models.PositiveSmallIntegerField(_("wrong tries"), default=0)
    used_at = models.DateTimeField(_("used"), null=True)

    class Meta:
        verbose_name = _("verification code")
        verbose_name_plural = _("verification codes")
        indexes = [models.Index(fields=["phone", "purpose", "-created_at"], name="verification_newest")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
