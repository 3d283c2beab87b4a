"""Base model, and the tables every room relies on: events, idempotency records, audit entries."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.ids import uuid7


class BaseModel(models.Model):
    """Time-ordered UUID key and the two timestamps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        abstract = True


class Event(models.Model):
    """Something that happened, written in the transaction in which it happened.

    A worker hands it to its subscribers after commit. ``handled`` names those that are done, so a
    subscriber that failed is tried again alone.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    dispatched_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    handled = ArrayField(models.CharField(max_length=200), default=list)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    last_error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                name="event_pending",
                condition=Q(dispatched_at=None, failed_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class IdempotencyRecord(models.Model):
    """The first answer to a request that carried an ``Idempotency-Key``."""

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=150)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class AuditEntry(models.Model):
    """One changed row, written by a database trigger: bulk SQL leaves a trace as well."""

    id = models.BigAutoField(primary_key=True)
    table_name = models.CharField(_("table"), max_length=63)
    row_id = models.CharField(_("row"), max_length=64)
    action = models.CharField(_("action"), max_length=6)
    old = models.JSONField(_("before"), null=True)
    new = models.JSONField(_("after"), null=True)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True)
    actor_name = models.CharField(_("actor"), max_length=150, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    at = models.DateTimeField(_("time"), db_default=models.functions.Now())

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["table_name", "row_id", "-id"], name="audit_row"),
            models.Index(fields=["-at"], name="audit_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.table_name} {self.row_id}"
