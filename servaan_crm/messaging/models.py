"""The outbox, the café's provider accounts, and what guests wrote back."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.crypto import EncryptedTextField
from servaan_crm.core.ids import snowflake
from servaan_crm.core.models import BaseModel
from servaan_crm.messaging.gateways.registry import adapter_choices

DEFAULT_ACCOUNT = "default"


def new_callback_secret() -> str:
    """A path segment nobody guesses."""
    return secrets.token_urlsafe(32)


class SmsProvider(BaseModel):
    """An account of this café at an SMS provider. Without any, the one in the settings is used."""

    name = models.CharField(_("name"), max_length=80)
    adapter = models.CharField(_("provider"), max_length=30, choices=adapter_choices)
    base_url = models.URLField(
        _("base URL"), blank=True, help_text=_("Leave empty for the provider's own address.")
    )
    api_key = EncryptedTextField(_("API key"))
    sender = models.CharField(
        _("sender line"),
        max_length=20,
        blank=True,
        help_text=_(
            "Without a line the provider's default is used, and every different text is a call of its own."
        ),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=10, help_text=_("The lowest goes first.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    callback_secret = models.CharField(
        max_length=64, unique=True, default=new_callback_secret, editable=False
    )
    tariff_persian = models.DecimalField(
        _("price of a Persian part"), max_digits=12, decimal_places=2, default=0
    )
    tariff_latin = models.DecimalField(_("price of a Latin part"), max_digits=12, decimal_places=2, default=0)

    class Meta:
        verbose_name = _("SMS provider")
        verbose_name_plural = _("SMS providers")
        ordering = ["priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(tariff_persian__gte=0, tariff_latin__gte=0), name="smsprovider_tariff_positive"
            )
        ]

    def __str__(self) -> str:
        return self.name


class GatewayState(models.Model):
    """How an account fares: ``account`` is a provider's id, or "default" for the one in the settings."""

    account = models.CharField(_("account"), max_length=40, primary_key=True)
    blocked_until = models.DateTimeField(_("resting until"), null=True)
    problem_class = models.CharField(_("problem"), max_length=12, blank=True)
    problem_code = models.CharField(_("code"), max_length=20, blank=True)
    problem_text = models.CharField(_("provider's words"), max_length=200, blank=True)
    problem_since = models.DateTimeField(_("since"), null=True)

    class Meta:
        verbose_name = _("gateway state")
        verbose_name_plural = _("gateway states")

    def __str__(self) -> str:
        return f"{self.account} {self.problem_class}".strip()


class Message(BaseModel):
    """One message to one guest, written before any provider is called."""

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")

    class Purpose(models.TextChoices):
        TRANSACTIONAL = "transactional", _("service message")
        MARKETING = "marketing", _("advertising")

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        CLAIMED = "claimed", _("being sent")
        SENT = "sent", _("sent")
        UNKNOWN = "unknown", _("being checked")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        UNDELIVERED = "undelivered", _("not delivered")
        BLOCKED = "blocked", _("blocked")
        EXPIRED = "expired", _("expired")
        CANCELLED = "cancelled", _("cancelled")

    FINAL_STATES = ("delivered", "failed", "undelivered", "blocked", "expired", "cancelled")

    local_id = models.BigIntegerField(_("our number"), unique=True, default=snowflake, editable=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS)
    purpose = models.CharField(_("purpose"), max_length=13, choices=Purpose.choices)
    kind = models.CharField(_("kind"), max_length=40)
    recipient = models.CharField(_("recipient"), max_length=16)
    body = models.TextField(_("text"))
    parts = models.PositiveSmallIntegerField(_("parts"))
    # The customers room lies above this one, hence no foreign key.
    customer_id = models.UUIDField(_("customer"), null=True)
    # NULL, not "", where there is none: uniqueness is for those that have one.
    dedupe_key = models.CharField(max_length=150, null=True)  # noqa: DJ001

    state = models.CharField(_("state"), max_length=11, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    expires_at = models.DateTimeField(_("valid until"))
    claimed_at = models.DateTimeField(_("claimed"), null=True)
    claimed_by = models.CharField(max_length=80, blank=True)
    # When to ask the provider next: about the outcome while unknown, about the delivery while sent.
    next_check_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    failed_at = models.DateTimeField(_("failed"), null=True)

    provider = models.CharField(_("provider"), max_length=30, blank=True)
    provider_account = models.CharField(max_length=40, blank=True)
    # Once an outcome was unknown, only that account may send it: it may know the message already.
    pinned = models.BooleanField(default=False, editable=False)
    provider_message_id = models.CharField(_("provider's number"), max_length=64, blank=True)
    provider_status = models.CharField(_("provider's status"), max_length=20, blank=True)
    cost = models.DecimalField(_("cost"), max_digits=14, decimal_places=2, null=True)
    error_class = models.CharField(_("error"), max_length=12, blank=True)
    error_code = models.CharField(_("error code"), max_length=20, blank=True)
    error_text = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"], name="message_once", condition=Q(dedupe_key__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "queued", "claimed", "sent", "unknown", "delivered",
                        "failed", "undelivered", "blocked", "expired", "cancelled",
                    ]
                ),
                name="message_state_known",
            ),
            models.CheckConstraint(condition=Q(recipient__regex=r"^\+[1-9][0-9]{6,14}$"), name="message_e164"),
            models.CheckConstraint(condition=Q(parts__gte=1), name="message_not_empty"),
            models.CheckConstraint(
                condition=Q(purpose__in=["transactional", "marketing"]), name="message_purpose_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "unknown"])
                | (Q(claimed_at__isnull=False) & ~Q(provider_account="")),
                name="message_claim_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "delivered"])
                | (Q(sent_at__isnull=False) & ~Q(provider_message_id="")),
                name="message_sent_complete",
            ),
        ]  # fmt: skip
        indexes = [
            # Service messages first: "transactional" sorts after "marketing".
            models.Index("channel", F("purpose").desc(), "not_before", "id", name="message_due",
                         condition=Q(state="queued")),
            models.Index(fields=["expires_at"], name="message_expiry", condition=Q(state="queued")),
            models.Index(fields=["claimed_at"], name="message_claimed", condition=Q(state="claimed")),
            models.Index(fields=["next_check_at"], name="message_check",
                         condition=Q(state__in=["unknown", "sent"], next_check_at__isnull=False)),
            models.Index(fields=["provider_message_id"], name="message_provider_id",
                         condition=~Q(provider_message_id="")),
            # Ids are time-ordered, so newest first is by id; fewer indexes make claiming and recording cheaper.
            models.Index(fields=["customer_id", "-id"], name="message_customer",
                         condition=Q(customer_id__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.local_id}"


class InboundMessage(BaseModel):
    """A text a guest sent to one of the café's lines, once, however often the provider tells of it."""

    provider = models.CharField(_("provider"), max_length=30)
    provider_message_id = models.CharField(_("provider's number"), max_length=64)
    sender = models.CharField(_("sender"), max_length=20)
    receiver = models.CharField(_("line"), max_length=20, blank=True)
    body = models.TextField(_("text"), blank=True)
    received_at = models.DateTimeField(_("received"), db_default=Now())

    class Meta:
        verbose_name = _("inbound message")
        verbose_name_plural = _("inbound messages")
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_message_id"], name="inbound_once")
        ]
        indexes = [models.Index(fields=["sender", "-received_at"], name="inbound_sender")]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_message_id}"
