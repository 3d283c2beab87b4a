"""Contacts with guests, and the calls that are still to be made."""

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


class CallTask(BaseModel):
    """A guest whom somebody should call: why, by when, and what came of it.

    ``hint`` says why before the call, ``note`` what the agent wrote afterwards. A finished task keeps the contact
    it left on the guest's timeline.
    """

    class Type(models.TextChoices):
        NEW_CUSTOMER = "new_customer", _("Welcome call")
        FOLLOW_UP = "follow_up", _("Follow-up call")
        AT_RISK = "at_risk", _("Win-back call")
        BIRTHDAY = "birthday", _("Birthday call")
        ANNIVERSARY = "anniversary", _("Anniversary call")
        REPEAT_REMINDER = "repeat_reminder", _("Reminder to come again")
        AUTOMATION = "automation", _("From an automation")

    class Priority(models.TextChoices):
        HOT = "hot", pgettext_lazy("call", "Hot")
        WARM = "warm", pgettext_lazy("call", "Warm")
        COLD = "cold", pgettext_lazy("call", "Cold")

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("call", "Open")
        COMPLETED = "completed", pgettext_lazy("call", "Done")
        SKIPPED = "skipped", pgettext_lazy("call", "Skipped")

    class Outcome(models.TextChoices):
        SUCCESSFUL = "successful", _("Answered")
        NO_ANSWER = "no_answer", _("No answer")
        BUSY = "busy", pgettext_lazy("phone line", "Busy")
        FOLLOW_UP_NEEDED = "follow_up_needed", pgettext_lazy("call", "Call back")
        NOT_INTERESTED = "not_interested", _("Not interested")
        WRONG_NUMBER = "wrong_number", _("Wrong number")

    customer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("customer"), related_name="call_tasks"
    )
    type = models.CharField(_("type"), max_length=15, choices=Type.choices)
    priority = models.CharField(_("priority"), max_length=4, choices=Priority.choices, default=Priority.WARM)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.PENDING)
    task_date = models.DateField(_("due on"))
    agent = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, verbose_name=_("agent"), related_name="call_tasks"
    )
    hint = models.TextField(_("why"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices, blank=True)
    outcome_detail = models.CharField(_("what came of it"), max_length=200, blank=True)
    note = models.TextField(_("note"), blank=True)
    follow_up_date = models.DateField(_("follow up on"), null=True, blank=True)
    completed_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    completed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, verbose_name=_("ended by"), related_name="+"
    )
    interaction = models.OneToOneField(
        Interaction,
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("contact"),
        related_name="call_task",
    )
    # What it came from, such as "automation:<run>" or "call:<task>"; of one source there is one task.
    source_reference = models.CharField(_("source"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "type"], name="call_task_open_once", condition=Q(status="pending")
            ),
            models.UniqueConstraint(
                fields=["source_reference"],
                name="call_task_source_once",
                condition=~Q(source_reference=""),
            ),
            models.CheckConstraint(
                condition=Q(
                    type__in=[
                        "new_customer", "follow_up", "at_risk", "birthday", "anniversary", "repeat_reminder",
                        "automation",
                    ]
                ),
                name="call_task_type",
            ),
            models.CheckConstraint(condition=Q(priority__in=["hot", "warm", "cold"]), name="call_task_priority"),
            # An open task has no end, a completed one an outcome, a skipped one none.
            models.CheckConstraint(
                condition=Q(status="pending", outcome="", completed_at=None)
                | Q(status="skipped", outcome="", completed_at__isnull=False)
                | Q(
                    status="completed",
                    completed_at__isnull=False,
                    outcome__in=[
                        "successful", "no_answer", "busy", "follow_up_needed", "not_interested", "wrong_number",
                    ],
                ),
                name="call_task_end",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["task_date"], name="call_task_open", condition=Q(status="pending")),
            models.Index(fields=["task_date", "status"], name="call_task_day"),
            models.Index(fields=["agent", "-completed_at"], name="call_task_of_agent"),
            models.Index(fields=["-completed_at"], name="call_task_ended", condition=~Q(status="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.task_date:%Y-%m-%d}"
