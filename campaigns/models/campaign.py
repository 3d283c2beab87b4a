"""Campaigns: what is said to whom and when, and one row for each guest who was meant."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty.models import DiscountCode
from segments.models import Segment
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class CampaignType(models.TextChoices):
    """The channel of a campaign; an offer has no messages (staff tell of it, the code is counted)."""

    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    EMAIL = "email", _("e-mail")
    PUSH = "push", _("push message")
    INSTAGRAM = "instagram", _("Instagram")
    OFFER = "offer", _("offer without messages")


class CampaignTemplate(BaseModel):
    """A text to begin a campaign with."""

    name = models.CharField(_("name"), max_length=200)
    channel = models.CharField(
        _("channel"), max_length=10, choices=CampaignType.choices, default=CampaignType.SMS
    )
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    content = models.TextField(_("text"))
    category = models.CharField(_("category"), max_length=50, blank=True)
    is_system = models.BooleanField(_("built in"), default=False, editable=False)
    # The name of the same text at the provider, where the channel asks for approved templates.
    provider_template = models.CharField(_("provider's template"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ["category", "name"]

    def __str__(self) -> str:
        return self.name


class Campaign(BaseModel):
    """A message, or an offer, to the guests of some segments at one time."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PENDING = "pending_approval", _("waiting for approval")
        SCHEDULED = "scheduled", _("scheduled")
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        SENT = "sent", _("sent")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    class Metric(models.TextChoices):
        """What decides between two texts."""

        CLICKS = "clicks", _("clicks")
        VISITS = "visits", _("visits")
        REDEMPTIONS = "redemptions", _("uses of the code")

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    type = models.CharField(_("type"), max_length=10, choices=CampaignType.choices, default=CampaignType.SMS)
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.DRAFT)

    # Who: guests of any of these segments who also meet the criteria; neither means everybody.
    segments = models.ManyToManyField(
        Segment, verbose_name=_("segments"), blank=True, related_name="campaigns"
    )
    criteria = models.JSONField(_("criteria"), default=dict, blank=True)

    # What.
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    content = models.TextField(_("text"), blank=True)
    provider_template = models.CharField(_("provider's template"), max_length=80, blank=True)
    link_url = models.URLField(_("link"), max_length=500, blank=True)
    discount_code = models.ForeignKey(
        DiscountCode,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("discount code"),
        related_name="campaigns",
    )

    # When.
    scheduled_at = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    valid_hours = models.PositiveSmallIntegerField(_("messages are valid for (hours)"), default=24)
    starts_on = models.DateField(_("offer starts on"), null=True, blank=True)
    ends_on = models.DateField(_("offer ends on"), null=True, blank=True)

    # Trial of two texts: this share gets them, the rest gets the better one after so many hours.
    test_percent = models.PositiveSmallIntegerField(_("share of the trial (%)"), default=100)
    test_hours = models.PositiveSmallIntegerField(_("trial lasts (hours)"), default=4)
    test_metric = models.CharField(
        _("decided by"), max_length=12, choices=Metric.choices, default=Metric.CLICKS
    )
    winner = models.CharField(_("better text"), max_length=1, blank=True, editable=False)
    holdout_percent = models.PositiveSmallIntegerField(_("left out for comparison (%)"), default=0)
    attribution_days = models.PositiveSmallIntegerField(_("days in which a visit counts"), default=7)

    # What was worked out when it was sent: how many fell out at each step.
    funnel = models.JSONField(_("funnel"), default=dict, editable=False)
    recipients = models.PositiveIntegerField(_("recipients"), default=0, editable=False)
    estimated_parts = models.PositiveIntegerField(_("estimated parts"), default=0, editable=False)
    estimated_cost = models.DecimalField(
        _("estimated cost"), max_digits=16, decimal_places=2, default=0, editable=False
    )
    # Why it stopped by itself: low_credit, auth, …
    problem = models.CharField(_("problem"), max_length=20, blank=True, editable=False)
    # What the person who refused the approval wrote.
    review_note = models.CharField(
        _("why it was sent back"), max_length=300, blank=True, default="", db_default="", editable=False
    )

    built_at = models.DateTimeField(_("audience fixed"), null=True, editable=False)
    started_at = models.DateTimeField(_("sending since"), null=True, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, editable=False)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    sent_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    approved_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "draft", "pending_approval", "scheduled", "sending", "paused",
                        "sent", "completed", "cancelled", "failed",
                    ]
                ),
                name="campaign_status_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    test_percent__range=(1, 100), test_hours__range=(1, 168),
                    holdout_percent__range=(0, 50), attribution_days__range=(1, 90), valid_hours__range=(1, 168),
                ),
                name="campaign_shares",
            ),
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(scheduled_at__isnull=False), name="campaign_scheduled_when"
            ),
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                name="campaign_offer_dates",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="campaign_newest"),
            models.Index(fields=["status", "scheduled_at"], name="campaign_due"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_messages(self) -> bool:
        """Whether anything is sent at all."""
        return self.type != CampaignType.OFFER


class CampaignVariant(BaseModel):
    """One of two or more texts tried against each other; A is the campaign's own when there are none."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="variants")
    key = models.CharField(_("letter"), max_length=1)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    content = models.TextField(_("text"))

    class Meta:
        verbose_name = _("text of a trial")
        verbose_name_plural = _("texts of a trial")
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="campaign_variant_once"),
            models.CheckConstraint(condition=Q(key__regex="^[A-D]$"), name="campaign_variant_letter"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.key}"


class CampaignDelivery(models.Model):
    """One guest of one campaign, written before anything is sent. What became of the message is in the message.

    The id is drawn by the database: 200,000 rows come from one statement.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        QUEUED = "queued", _("handed over for sending")
        HOLDOUT = "holdout", _("left out for comparison")
        SKIPPED = "skipped", _("left out")

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="deliveries", db_index=False)
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        verbose_name=_("customer"),
        related_name="campaign_deliveries",
        db_index=False,
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    # Why it was left out: no_consent, blocked, opted_out, invalid, capped, …
    reason = models.CharField(_("reason"), max_length=20, blank=True, db_default="")
    variant = models.CharField(_("text"), max_length=1, blank=True, db_default="")
    recipient = models.CharField(_("recipient"), max_length=254, blank=True, db_default="")
    message_id = models.UUIDField(null=True)
    queued_at = models.DateTimeField(_("handed over"), null=True)
    # Which message to this guest it is: a failed one may be followed by another.
    attempt = models.PositiveSmallIntegerField(_("try"), default=0, db_default=0)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "customer"], name="campaign_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "queued", "holdout", "skipped"]),
                name="campaign_delivery_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="queued") | Q(message_id__isnull=False), name="campaign_delivery_message"
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "state", "variant", "id"], name="campaign_delivery_state"),
            models.Index(fields=["customer", "-id"], name="campaign_delivery_customer"),
            models.Index(
                fields=["message_id"], name="campaign_delivery_message", condition=Q(message_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.customer_id}"
