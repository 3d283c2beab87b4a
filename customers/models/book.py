"""Working with the whole book: saved views, searches, imports, merges."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class SavedView(BaseModel):
    """A named state of the customer list: the query string of its address."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_customer_views")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("filters"), max_length=1000, blank=True)
    is_shared = models.BooleanField(_("for the whole team"), default=False)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_view_name")]

    def __str__(self) -> str:
        return self.name


class RecentSearch(models.Model):
    """What a staff member searched for lately."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="recent_searches")
    query = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "query"], name="recent_search_once")]
        indexes = [models.Index(fields=["user", "-at"], name="recent_search_of_user")]

    def __str__(self) -> str:
        return self.query


class ImportJob(BaseModel):
    """One uploaded file on its way into the book. ``cursor`` is the last row that is done for good."""

    class Kind(models.TextChoices):
        CUSTOMERS = "customers", _("Customers")
        VISITS = "visits", _("Visits")

    class Status(models.TextChoices):
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        PENDING = "pending", _("Waiting")
        RUNNING = "running", _("Running")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class OnDuplicate(models.TextChoices):
        UPDATE = "update", _("Update the guest")
        SKIP = "skip", _("Leave the guest as it is")

    kind = models.CharField(_("what"), max_length=9, choices=Kind.choices, default=Kind.CUSTOMERS)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.CHECKING)
    file = models.FileField(_("file"), upload_to="imports/%Y/%m/")
    file_name = models.CharField(_("file name"), max_length=200)
    digest = models.CharField(max_length=64, editable=False)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("separator"), max_length=2, blank=True)
    mapping = models.JSONField(_("columns"), default=dict, blank=True)
    headers = models.JSONField(default=list, blank=True)
    on_duplicate = models.CharField(
        _("known numbers"), max_length=6, choices=OnDuplicate.choices, default=OnDuplicate.UPDATE
    )
    total_rows = models.PositiveIntegerField(_("rows"), default=0)
    cursor = models.PositiveIntegerField(_("done"), default=0)
    created = models.PositiveIntegerField(_("new"), default=0)
    updated = models.PositiveIntegerField(_("updated"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    error = models.TextField(_("error"), blank=True)
    cancel_requested = models.BooleanField(default=False)
    # Whether what it writes is marked with its id, so that it can be undone as a whole.
    is_traced = models.BooleanField(default=False, db_default=False)
    # How to take the rows over: amount unit, points, outlet; for a commit without a pause: "commit".
    options = models.JSONField(default=dict, db_default={}, blank=True)
    # Rows read into the staging table so far, and whether all of them are.
    staged = models.PositiveIntegerField(default=0, db_default=0)
    is_staged = models.BooleanField(default=False, db_default=False)
    # The worker that has the job in hand; another one may take it when the heartbeat stopped.
    claim = models.UUIDField(null=True)
    # Workers that took it since rows were last taken over, and before when the next one must not.
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    retry_at = models.DateTimeField(_("next attempt at"), null=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name


class ImportReject(models.Model):
    """A row that was not taken over, and why."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="rejects")
    row_number = models.PositiveIntegerField(_("row"))
    reasons = models.JSONField(_("reasons"))
    raw = models.JSONField(_("row as it was"))

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        constraints = [models.UniqueConstraint(fields=["job", "row_number"], name="import_reject_once")]

    def __str__(self) -> str:
        return f"{self.row_number}"


class MergeRecord(BaseModel):
    """Two guests that became one, with everything needed to take it back."""

    kept = models.ForeignKey(Customer, models.CASCADE, related_name="merges_kept", verbose_name=_("kept"))
    merged = models.ForeignKey(Customer, models.CASCADE, related_name="merges_gone", verbose_name=_("merged"))
    kept_version = models.PositiveIntegerField()
    merged_version = models.PositiveIntegerField()
    before = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    actor_name = models.CharField(_("by"), max_length=150)
    undone_at = models.DateTimeField(_("undone at"), null=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["merged"], condition=Q(undone_at=None), name="merged_once"),
            models.CheckConstraint(condition=~Q(kept=models.F("merged")), name="merge_two"),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} → {self.kept_id}"


class DuplicateDismissal(BaseModel):
    """Two guests a person looked at and found to be two."""

    first = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    second = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    actor_name = models.CharField(max_length=150)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="duplicate_dismissed_once")]

    def __str__(self) -> str:
        return f"{self.first_id} ≠ {self.second_id}"
