"""Changes of many guests at once, and how many guests there are."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class BulkOperation(BaseModel):
    """One change of many guests: what was asked for, whom it reached, and what it takes to undo it.

    A small one is done within the request, and remembers its guests itself: ``changed_ids``, ``before_status`` and
    ``before_reason`` run in parallel; the last two are filled by a change of the status alone. The ids are no foreign
    keys: a guest who is erased meanwhile is simply passed over.

    A large one is a job: its guests are in :class:`BulkBatch`, and a worker does one batch after the other.
    ``goal`` and ``processed`` count the guests of all batches, and of those that are done, in the phase at hand (doing,
    or taking back); ``acts_for`` is who asked for that phase.
    """

    class Status(models.TextChoices):
        PENDING = "pending", pgettext_lazy("bulk change", "Waiting")
        RUNNING = "running", pgettext_lazy("bulk change", "Running")
        UNDOING = "undoing", pgettext_lazy("bulk change", "Being taken back")
        COMPLETED = "completed", pgettext_lazy("bulk change", "Done")
        CANCELLED = "cancelled", pgettext_lazy("bulk change", "Cancelled")
        FAILED = "failed", pgettext_lazy("bulk change", "Stopped")

    ACTIVE = (Status.PENDING, Status.RUNNING, Status.UNDOING)

    action = models.CharField(_("action"), max_length=20)
    params = models.JSONField(_("details"), default=dict)
    query = models.CharField(_("filters"), max_length=2000, blank=True)
    matched = models.PositiveIntegerField(_("found"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    skipped = models.JSONField(_("left out"), default=list)
    changed_ids = ArrayField(models.UUIDField(), default=list, editable=False)
    before_status = ArrayField(models.CharField(max_length=8), default=list, editable=False)
    before_reason = ArrayField(models.CharField(max_length=200), default=list, editable=False)
    actor_name = models.CharField(_("by"), max_length=150)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")
    undone_at = models.DateTimeField(_("undone at"), null=True, editable=False)
    undone = models.PositiveIntegerField(_("taken back"), default=0, editable=False)

    is_job = models.BooleanField(default=False, db_default=False, editable=False)
    status = models.CharField(
        _("state"),
        max_length=9,
        choices=Status.choices,
        default=Status.COMPLETED,
        db_default=Status.COMPLETED,
    )
    goal = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    processed = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    cancel_requested = models.BooleanField(default=False, db_default=False, editable=False)
    acts_for = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")
    claim = models.UUIDField(null=True, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("ended at"), null=True, editable=False)
    error = models.CharField(_("problem"), max_length=300, default="", db_default="", blank=True)

    class Meta:
        verbose_name = _("bulk operation")
        verbose_name_plural = _("bulk operations")
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="bulk_active",
                condition=Q(status__in=["pending", "running", "undoing"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} × {self.changed}"

    @property
    def is_active(self) -> bool:
        """Whether a worker works on it, or will."""
        return self.status in self.ACTIVE


class BulkBatch(models.Model):
    """Some of the guests of a large operation: done, and taken back, in one transaction.

    ``ids`` are the guests who were confirmed; ``changed_ids``, ``before_status`` and ``before_reason`` are as in
    :class:`BulkOperation`.
    """

    class State(models.IntegerChoices):
        WAITING = 0, "waiting"
        DONE = 1, "done"
        UNDONE = 2, "undone"

    operation = models.ForeignKey(BulkOperation, models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.WAITING)
    ids = ArrayField(models.UUIDField(), default=list)
    changed = models.PositiveIntegerField(default=0)
    changed_ids = ArrayField(models.UUIDField(), default=list)
    before_status = ArrayField(models.CharField(max_length=8), default=list)
    before_reason = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        verbose_name = _("part of a bulk operation")
        verbose_name_plural = _("parts of bulk operations")
        constraints = [
            models.UniqueConstraint(fields=["operation", "number"], name="bulk_batch_number"),
        ]

    def __str__(self) -> str:
        return f"{self.operation_id} {self.number}"


class GuestCount(models.Model):
    """A change of the number of guests who are not deleted; the sum of all rows is that number.

    The database writes a row in the transaction of each change, so the sum is exact for whoever reads it, and
    nobody waits for anybody. A nightly job folds the rows into one.
    """

    id = models.BigAutoField(primary_key=True)
    change = models.IntegerField()

    class Meta:
        verbose_name = _("number of guests")
        verbose_name_plural = _("number of guests")

    def __str__(self) -> str:
        return f"{self.change:+}"


class GuestFigure(models.Model):
    """A change of the figures of one segment and tier: guests, visits and spend (base unit).

    The sums over all rows are those of all summaries, also of deleted guests; written by the database and folded like
    :class:`GuestCount`.
    """

    id = models.BigAutoField(primary_key=True)
    segment = models.CharField(max_length=10)
    tier = models.CharField(max_length=8)
    guests = models.BigIntegerField()
    visits = models.BigIntegerField()
    spent = models.DecimalField(max_digits=20, decimal_places=2)

    class Meta:
        verbose_name = _("figures of the book")
        verbose_name_plural = _("figures of the book")

    def __str__(self) -> str:
        return f"{self.segment} {self.tier} {self.guests:+}"
