"""Automations: what the café says and does by itself when something happens."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.texts import check_template
from customers.models import Customer
from servaan_crm.accounts.models import User
from servaan_crm.core.crypto import EncryptedTextField
from servaan_crm.core.models import BaseModel


def validate_template(value: str) -> None:
    """Raise ValidationError (code INVALID_TEMPLATE) that names what is wrong with the text."""
    check_template(value)


class Automation(BaseModel):
    """Trigger → wait → condition → actions, at most once per guest and occurrence."""

    class Trigger(models.TextChoices):
        FIRST_VISIT = "visit.recorded:first", _("after a guest's first visit")
        VISIT = "visit.recorded", _("after a visit")
        NTH_VISIT = "visit.recorded:nth", _("after every so many visits")
        CREATED = "customer.created", _("when a guest is entered")
        SEGMENT_ENTERED = "segment.entered", _("when a guest enters a segment")
        SEGMENT_LEFT = "segment.left", _("when a guest leaves a segment")
        BIRTHDAY = "birthday", _("some days before a birthday")
        ANNIVERSARY = "anniversary", _("some days before an anniversary")
        ABSENT = "absent", _("when a guest stays away longer than usual")
        POINTS_EXPIRING = "loyalty.points_expiring", _("when points are about to expire")
        TIER_CHANGED = "loyalty.tier_changed", _("when a guest reaches another tier")
        LOW_RATING = "feedback.low_rating", _("after a low rating")

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")
        WHATSAPP = "whatsapp", _("WhatsApp")
        EMAIL = "email", _("e-mail")
        PUSH = "push", _("push message")
        INSTAGRAM = "instagram", _("Instagram")

    key = models.SlugField(_("key"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True, db_default="")
    trigger = models.CharField(_("trigger"), max_length=40, choices=Trigger.choices)
    # What the trigger needs to know: {"segment": key}, {"days": 3}, {"every": 10}, {"to": ["gold"]} …
    trigger_options = models.JSONField(_("details of the trigger"), default=dict, db_default={}, blank=True)
    # Minutes after the trigger; then not before this hour of the café's day, if one is given.
    wait_minutes = models.PositiveIntegerField(_("wait (minutes)"), default=0, db_default=0)
    at_time = models.TimeField(_("at this time of day"), null=True, blank=True)
    # In the language of segments; asked when the wait is over.
    condition = models.JSONField(_("condition"), default=dict, db_default={}, blank=True)
    # The text of the message is in ``template``; the list says what is done besides, in order:
    # {"type": "points", "points": 50}, {"type": "coupon", …}, {"type": "tag", …}, {"type": "webhook", …} …
    actions = models.JSONField(_("actions"), default=list, db_default=[], blank=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS)
    purpose = models.CharField(
        _("purpose"),
        max_length=13,
        choices=[("transactional", _("service message")), ("marketing", _("advertising"))],
        default="marketing",
        db_default="marketing",
    )
    template = models.TextField(_("text"), blank=True, validators=[validate_template])
    link_url = models.URLField(_("link"), max_length=500, blank=True, db_default="")
    # A guest is not met by the same automation again within so many days; 0: as often as it happens.
    rest_days = models.PositiveSmallIntegerField(_("not again within (days)"), default=0, db_default=0)
    is_active = models.BooleanField(_("active"), default=True)
    # Only what happens from then on counts.
    active_since = models.DateTimeField(_("switched on"), null=True, editable=False)
    is_system = models.BooleanField(_("built in"), default=False, editable=False)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("automation")
        verbose_name_plural = _("automations")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(template="") | ~Q(actions=[]), name="automation_does_something"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["sms", "whatsapp", "email", "push", "instagram"]),
                name="automation_channel",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if not self.template.strip() and not self.actions:
            raise ValidationError({"template": _("Write the text of the message.")})


class AutomationRun(BaseModel):
    """What an automation did, or did not do, for one guest on one occasion.

    ``occurrence`` names the occasion ("visit:<id>", "birthday:1405-01-12"): the pair with automation and guest is
    unique, and that is why nothing happens twice.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("not done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    automation = models.ForeignKey(Automation, models.CASCADE, related_name="runs", db_index=False)
    customer = models.ForeignKey(
        Customer, models.CASCADE, verbose_name=_("customer"), related_name="automation_runs", db_index=False
    )
    occurrence = models.CharField(_("occasion"), max_length=100)
    facts = models.JSONField(_("facts"), default=dict)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(_("due"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    finished_at = models.DateTimeField(_("finished"), null=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    # What each action brought: ids of the message, the voucher, the ledger entry …
    results = models.JSONField(_("results"), default=dict)
    message_id = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("run of an automation")
        verbose_name_plural = _("runs of automations")
        constraints = [
            models.UniqueConstraint(
                fields=["automation", "customer", "occurrence"], name="automation_run_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "done", "skipped", "failed", "cancelled"]),
                name="automation_run_state",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="automation_run_due", condition=Q(state="waiting")),
            models.Index(fields=["automation", "-created_at"], name="automation_run_newest"),
            models.Index(fields=["customer", "-created_at"], name="automation_run_customer"),
            models.Index(
                fields=["message_id"], name="automation_run_message", condition=Q(message_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.automation_id} {self.occurrence}"


class HookCall(BaseModel):
    """A call of an address outside that an automation wants, signed and tried until it is answered."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    run = models.OneToOneField(AutomationRun, models.CASCADE, related_name="hook_call")
    url = models.URLField(_("address"), max_length=500)
    secret = EncryptedTextField(_("secret"))
    body = models.JSONField(_("body"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next try"))
    last_status = models.CharField(_("last answer"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("outside call")
        verbose_name_plural = _("outside calls")
        indexes = [models.Index(fields=["next_at"], name="hook_call_due", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.run_id} {self.state}"
