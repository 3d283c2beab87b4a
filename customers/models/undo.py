"""Taking a whole import back: what it overwrote, how far the undo is, and what it had to leave."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.book import ImportJob
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class ImportChange(models.Model):
    """What an import overwrote in one guest who was there before: field → [before, after].

    ``customer_id`` is no foreign key: the rows are written by the hundred thousand, go when the time for an undo is
    over and when the guest is erased, and stay with the record they speak of when it is merged.
    """

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="changes")
    customer_id = models.UUIDField()
    values = models.JSONField(default=dict)
    tags = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "customer_id"], name="import_change_once")]
        indexes = [models.Index(fields=["customer_id"], name="import_change_of_guest")]

    def __str__(self) -> str:
        return f"{self.customer_id}"


class ImportUndo(BaseModel):
    """The undo of one import. ``cursor`` is the last id of the phase that is done for good."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")

    class Phase(models.TextChoices):
        VALUES = "values", _("Earlier values")
        VISITS = "visits", _("Visits")
        GUESTS = "guests", _("Guests")
        DONE = "done", _("Done")

    job = models.OneToOneField(ImportJob, models.CASCADE, related_name="undo")
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.RUNNING)
    phase = models.CharField(max_length=6, choices=Phase.choices, default=Phase.VALUES)
    cursor = models.UUIDField(null=True)
    # Every visit it voids has this very time: so they are told from those voided by hand.
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    guests_removed = models.PositiveIntegerField(_("guests taken back"), default=0)
    guests_restored = models.PositiveIntegerField(_("guests with their earlier values"), default=0)
    visits_voided = models.PositiveIntegerField(_("visits taken back"), default=0)
    kept = models.PositiveIntegerField(_("kept"), default=0)
    # What was gone already: deleted, merged into another guest or voided by hand.
    gone = models.PositiveIntegerField(_("gone before"), default=0)
    actor_name = models.CharField(_("by"), max_length=150)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("undo of an import")
        verbose_name_plural = _("undos of imports")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.job_id}"


class ImportKept(models.Model):
    """Something an undo left as it is, and why. Who it is about is looked up, never copied."""

    class What(models.TextChoices):
        GUEST = "guest", _("Guest")
        VALUES = "values", _("Values of a guest")
        VISIT = "visit", _("Visit")

    id = models.BigAutoField(primary_key=True)
    undo = models.ForeignKey(ImportUndo, models.CASCADE, related_name="left")
    what = models.CharField(max_length=6, choices=What.choices)
    row_id = models.UUIDField()
    # For a guest and a visit codes of reasons; for values the names of the fields.
    reasons = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["undo", "what", "row_id"], name="import_kept_once")]

    def __str__(self) -> str:
        return f"{self.what} {self.row_id}"
