"""Named criteria, who is in them, and who came and went. The language itself is in ``segments.language``."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from segments.rfm import GROUPS
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class Segment(BaseModel):
    """A named group of guests: described by criteria, or (static) a list somebody put together."""

    class Kind(models.TextChoices):
        DYNAMIC = "dynamic", _("by criteria")
        STATIC = "static", _("a fixed list")

    key = models.SlugField(_("key"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    kind = models.CharField(
        _("kind"), max_length=7, choices=Kind.choices, default=Kind.DYNAMIC, db_default="dynamic"
    )
    criteria = models.JSONField(_("criteria"), default=dict, blank=True)
    is_system = models.BooleanField(_("built in"), default=False, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    color = models.CharField(_("colour"), max_length=7, default="#6B7280")
    icon_name = models.CharField(_("icon"), max_length=50, blank=True)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    customer_count = models.PositiveIntegerField(_("guests"), default=0, db_default=0, editable=False)
    last_calculated_at = models.DateTimeField(_("last calculated"), null=True, editable=False)
    # Why the stored criteria cannot be read any more (a tag or own field is gone); the members stay as they were.
    problem = models.CharField(_("problem"), max_length=500, blank=True, db_default="", editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["display_order", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_static(self) -> bool:
        return self.kind == self.Kind.STATIC


class SegmentMembership(models.Model):
    """A guest in a segment, since when. Rows follow from the criteria and can be worked out again at any time.

    So PostgreSQL is not asked to check two references per row: half of the time of a full run.
    """

    pk = models.CompositePrimaryKey("segment_id", "customer_id")
    segment = models.ForeignKey(
        Segment, models.CASCADE, related_name="memberships", db_constraint=False, db_index=False
    )
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="segment_memberships", db_constraint=False
    )
    entered_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class SegmentChange(models.Model):
    """A guest came into a segment or left it."""

    id = models.BigAutoField(primary_key=True)
    segment = models.ForeignKey(
        Segment, models.CASCADE, related_name="changes", db_constraint=False, db_index=False
    )
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="segment_changes", db_constraint=False
    )
    entered = models.BooleanField(_("entered"))
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("change of a segment")
        verbose_name_plural = _("changes of segments")
        indexes = [models.Index(fields=["segment", "-at"], name="segment_change_time")]

    def __str__(self) -> str:
        return f"{'+' if self.entered else '−'}{self.customer_id}"


class SegmentDay(models.Model):
    """How many guests a segment had at the last calculation of a day: its history."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    customer_count = models.PositiveIntegerField(_("guests"))

    class Meta:
        verbose_name = _("day of a segment")
        verbose_name_plural = _("days of segments")
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="segment_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.customer_count}"


class SegmentsState(models.Model):
    """One row: which version of the café's segments is in force. Every change of a segment raises it."""

    singleton = models.BooleanField(default=True, primary_key=True)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        verbose_name = _("state of the segments")
        verbose_name_plural = _("state of the segments")
        constraints = [models.CheckConstraint(condition=Q(singleton=True), name="segments_state_singleton")]

    def __str__(self) -> str:
        return f"v{self.version}"


class SegmentRun(BaseModel):
    """One calculation of all segments, or of some. At most one runs at a time; a dead one is taken over."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        RUNNING = "running", _("Running")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")

    status = models.CharField(_("state"), max_length=9, choices=Status.choices, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    claim = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("ended at"), null=True)
    # Guests whose segments have to change, and how many of them are done.
    total = models.PositiveIntegerField(_("guests to change"), default=0)
    processed = models.PositiveIntegerField(_("done"), default=0)
    entered = models.PositiveIntegerField(_("entered"), default=0)
    left = models.PositiveIntegerField(_("left"), default=0)
    error = models.CharField(_("problem"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("calculation of segments")
        verbose_name_plural = _("calculations of segments")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="running"), name="segment_run_one_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="pending"), name="segment_run_one_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.processed}/{self.total}"


class RfmScore(models.Model):
    """A guest's RFM scores by the café's own distribution, and those of the calculation before."""

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="rfm")
    recency = models.PositiveSmallIntegerField(_("recency"))
    frequency = models.PositiveSmallIntegerField(_("frequency"))
    monetary = models.PositiveSmallIntegerField(_("spend"))
    group = models.CharField(_("group"), max_length=16, choices=GROUPS)
    previous_group = models.CharField(_("group before"), max_length=16, choices=GROUPS, blank=True)
    group_since = models.DateField(_("in the group since"))

    class Meta:
        verbose_name = _("RFM score")
        verbose_name_plural = _("RFM scores")
        indexes = [models.Index(fields=["group"], name="rfm_group")]

    def __str__(self) -> str:
        return f"{self.recency}{self.frequency}{self.monetary}"


class RfmMove(models.Model):
    """How many guests moved from one RFM group to another between two calculations; empty: came or went."""

    day = models.DateField(_("day"))
    from_group = models.CharField(_("from"), max_length=16, choices=GROUPS, blank=True)
    to_group = models.CharField(_("to"), max_length=16, choices=GROUPS, blank=True)
    guests = models.PositiveIntegerField(_("guests"))

    class Meta:
        verbose_name = _("RFM movement")
        verbose_name_plural = _("RFM movements")
        constraints = [
            models.UniqueConstraint(fields=["day", "from_group", "to_group"], name="rfm_move_once")
        ]

    def __str__(self) -> str:
        return f"{self.from_group} → {self.to_group}: {self.guests}"
