"""Pairs of guests that may be one person, and the search for them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer


class DuplicatePair(models.Model):
    """Two guests that may be one, the smaller id first; ``score`` is 0-100."""

    id = models.BigAutoField(primary_key=True)
    first = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    second = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    reasons = ArrayField(models.CharField(max_length=20), verbose_name=_("reasons"))
    score = models.PositiveSmallIntegerField(_("score"))
    found_at = models.DateTimeField(_("found at"), default=timezone.now)

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        ordering = ["-score", "first_id", "second_id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_sorted"),
        ]
        indexes = [models.Index(F("score").desc(), "first", "second", name="duplicate_pair_likeliest")]

    def __str__(self) -> str:
        return f"{self.first_id} ~ {self.second_id}"


class DuplicateScan(models.Model):
    """The search through the whole book; one row, with the newest request and how far its work is.

    ``claim`` and ``heartbeat_at`` belong to the worker that has it in hand. A worker that was killed leaves both,
    and the next one takes over when the heartbeat is old.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    requested_at = models.DateTimeField(_("asked for at"), null=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    heartbeat_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    step = models.PositiveSmallIntegerField(default=0)
    found = models.PositiveIntegerField(_("found"), default=0)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("search for duplicates")
        verbose_name_plural = _("searches for duplicates")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="duplicate_scan_single")]

    def __str__(self) -> str:
        return f"{self.started_at} – {self.finished_at or ''}"
