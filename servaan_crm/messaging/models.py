"""The outbox, the café's provider accounts, and what guests wrote back."""

from __future__ import annotations

import datetime as dt
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
from servaan_crm.messaging.reasons import reason_of
from servaan_crm.messaging.recipient_models import BlockedNumber, PushSubscription, VerificationCode

__all__ = [
    "DEFAULT_ACCOUNT",
    "BlockedNumber",
    "Channel",
    "EarlyReport",
    "GatewayState",
    "InboundMessage",
    "Message",
    "MessageHold",
    "ProviderAccount",
    "PushSubscription",
    "SendingRules",
    "VerificationCode",
    "new_callback_secret",
]

DEFAULT_ACCOUNT = "default"


def new_callback_secret() -> str:
    """A path segment nobody guesses."""
    return secrets.token_urlsafe(32)


class Channel(models.TextChoices):
    """The ways a message takes."""

    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    EMAIL = "email", _("e-mail")
    PUSH = "push", _("push message")
    INSTAGRAM = "instagram", _("Instagram")


class ProviderAccount(BaseModel):
    """An account of this café at a provider, for one channel. Without any for SMS, the one in the settings is used."""

    name = models.CharField(_("name"), max_length=80)
    adapter = models.CharField(_("provider"), max_length=30, choices=adapter_choices)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS)
    base_url = models.URLField(
        _("base URL"), blank=True, help_text=_("Leave empty for the provider's own address.")
    )
    api_key = EncryptedTextField(_("API key"), blank=True)
    # The adapter's own settings (``Gateway.settings``) as JSON; some of them are secrets.
    options = EncryptedTextField(_("options"), blank=True, editable=False)
    sender = models.CharField(
        _("sender line"),
        max_length=100,
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
    # Operator → {"persian": price, "latin": price}, where a line costs differently per operator.
    operator_tariffs = models.JSONField(_("prices by operator"), default=dict, blank=True)
    rate_per_minute = models.PositiveIntegerField(_("most messages a minute"), null=True, blank=True)
    daily_limit = models.PositiveIntegerField(_("most messages a day"), null=True, blank=True)
    monthly_limit = models.PositiveIntegerField(_("most messages a month"), null=True, blank=True)
    low_credit = models.DecimalField(
        _("warn below this credit"), max_digits=16, decimal_places=2, null=True, blank=True
    )

    class Meta:
        verbose_name = _("message provider")
        verbose_name_plural = _("message providers")
        ordering = ["priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(tariff_persian__gte=0, tariff_latin__gte=0), name="provider_tariff_positive"
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
    # Calls that failed one after the other; the circuit breaker rests longer with each.
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0, db_default=0)
    credit = models.DecimalField(_("credit"), max_digits=16, decimal_places=2, null=True)
    credit_at = models.DateTimeField(_("credit asked at"), null=True)
    low_since = models.DateTimeField(_("credit low since"), null=True)
    # What was claimed for this account in the minute, day and month that began at ``…_from``.
    minute_from = models.DateTimeField(null=True)
    minute_count = models.PositiveIntegerField(default=0, db_default=0)
    day_from = models.DateField(null=True)
    day_count = models.PositiveIntegerField(_("messages today"), default=0, db_default=0)
    month_from = models.DateField(null=True)
    month_count = models.PositiveIntegerField(_("messages this month"), default=0, db_default=0)

    class Meta:
        verbose_name = _("gateway state")
        verbose_name_plural = _("gateway states")

    def __str__(self) -> str:
        return f"{self.account} {self.problem_class}".strip()


class SendingRules(BaseModel):
    """When and how much a café writes to its guests; one row per café."""

    QUIET_FROM, QUIET_TO = dt.time(21), dt.time(9)

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    quiet_from = models.TimeField(_("quiet from"), default=QUIET_FROM)
    quiet_to = models.TimeField(_("quiet until"), default=QUIET_TO)
    cap_messages = models.PositiveSmallIntegerField(
        _("most advertising messages per guest"), null=True, blank=True, default=4
    )
    cap_days = models.PositiveSmallIntegerField(_("within so many days"), default=7)
    rate_per_minute = models.PositiveIntegerField(_("most messages a minute"), null=True, blank=True)
    approval_above = models.PositiveIntegerField(_("approval needed above"), null=True, blank=True)
    adds_opt_out_line = models.BooleanField(_("add the opt-out line to advertising"), default=True)
    attribution_days = models.PositiveSmallIntegerField(
        _("days in which a visit counts as a result"), default=7
    )

    class Meta:
        verbose_name = _("rules of sending")
        verbose_name_plural = _("rules of sending")
        constraints = [
            models.CheckConstraint(condition=Q(singleton=True), name="sending_rules_once"),
            models.CheckConstraint(
                condition=Q(cap_days__range=(1, 90), attribution_days__range=(1, 90)),
                name="sending_rules_days",
            ),
        ]

    def __str__(self) -> str:
        return str(_("rules of sending"))


class MessageHold(models.Model):
    """A group of messages (a campaign) that is paused: nothing of it is claimed."""

    group_id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")

    def __str__(self) -> str:
        return str(self.group_id)


class Message(BaseModel):
    """One message to one guest, written before any provider is called."""

    Channel = Channel

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
    # E.164 for SMS and WhatsApp; an address, a user's number or a subscription's id elsewhere.
    recipient = models.CharField(_("recipient"), max_length=254)
    subject = models.CharField(_("subject"), max_length=200, blank=True, db_default="")
    body = models.TextField(_("text"))
    # A text the provider holds, and what fills it as [name, value] pairs, in its order (jsonb objects have none);
    # the body is what the guest reads.
    template = models.CharField(_("template"), max_length=80, blank=True, db_default="")
    values = models.JSONField(_("values"), default=list, db_default=[], blank=True)
    url = models.CharField(_("link"), max_length=300, blank=True, db_default="")
    parts = models.PositiveSmallIntegerField(_("parts"))
    # The customers room lies above this one, hence no foreign key.
    customer_id = models.UUIDField(_("customer"), null=True)
    # What is held, resumed and cancelled together: a campaign.
    group_id = models.UUIDField(_("group"), null=True)
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
    read_at = models.DateTimeField(_("read"), null=True)
    failed_at = models.DateTimeField(_("failed"), null=True)

    provider = models.CharField(_("provider"), max_length=30, blank=True)
    provider_account = models.CharField(max_length=40, blank=True)
    # Once an outcome was unknown, only that account may send it: it may know the message already.
    pinned = models.BooleanField(default=False, editable=False)
    provider_message_id = models.CharField(_("provider's number"), max_length=200, blank=True)
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
            models.CheckConstraint(
                condition=~Q(channel__in=["sms", "whatsapp"]) | Q(recipient__regex=r"^\+[1-9][0-9]{6,14}$"),
                name="message_e164",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["sms", "whatsapp", "email", "push", "instagram"]),
                name="message_channel_known",
            ),
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
            models.Index(fields=["group_id", "state", "id"], name="message_group", condition=Q(group_id__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.local_id}"

    @property
    def reason(self) -> str:
        """Why it did not arrive, in the reader's language; "" while it may still."""
        return reason_of(self)


class InboundMessage(BaseModel):
    """A text a guest sent to one of the café's lines, once, however often the provider tells of it."""

    class Meaning(models.TextChoices):
        OPT_OUT = "opt_out", _("wants no more messages")
        OPT_IN = "opt_in", _("wants messages again")
        RATING = "rating", _("rating")
        TEXT = "text", _("text")

    provider = models.CharField(_("provider"), max_length=30)
    provider_message_id = models.CharField(_("provider's number"), max_length=200)
    channel = models.CharField(
        _("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS, db_default="sms"
    )
    sender = models.CharField(_("sender"), max_length=254)
    receiver = models.CharField(_("line"), max_length=100, blank=True)
    body = models.TextField(_("text"), blank=True)
    received_at = models.DateTimeField(_("received"), db_default=Now())
    # Found by the rooms above; empty while nobody has looked.
    customer_id = models.UUIDField(_("customer"), null=True)
    meaning = models.CharField(
        _("meaning"), max_length=10, choices=Meaning.choices, blank=True, db_default=""
    )

    class Meta:
        verbose_name = _("inbound message")
        verbose_name_plural = _("inbound messages")
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_message_id"], name="inbound_once")
        ]
        indexes = [
            models.Index(fields=["sender", "-received_at"], name="inbound_sender"),
            models.Index(fields=["-received_at", "-id"], name="inbound_newest"),
            models.Index(
                fields=["customer_id", "-received_at"],
                name="inbound_customer",
                condition=Q(customer_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_message_id}"


class EarlyReport(models.Model):
    """A report of a message whose provider's number we had not written down yet."""

    account = models.CharField(_("account"), max_length=40)
    provider_message_id = models.CharField(_("provider's number"), max_length=200)
    state = models.CharField(_("state"), max_length=12)
    status = models.CharField(_("provider's status"), max_length=20, blank=True)
    is_read = models.BooleanField(_("read"), default=False)
    # What it says of the address, a value of ``gateways.base.Refusal``.
    refusal = models.CharField(_("refusal"), max_length=8, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("early report")
        verbose_name_plural = _("early reports")
        indexes = [models.Index(fields=["account", "provider_message_id"], name="early_report")]

    def __str__(self) -> str:
        return f"{self.account} {self.provider_message_id}"
