"""Changes of many guests at once, and how many guests there are."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class BulkOperation(BaseModel):
    """One change of many guests: what was asked for, whom it reached, and what it takes to undo it.

    ``changed_ids``, ``before_status`` and ``before_reason`` run in parallel; the last two are filled by a change
    of the status alone. The ids are no foreign keys: a guest who is erased meanwhile is simply passed over.
    """

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

    class Meta:
        verbose_name = _("bulk operation")
        verbose_name_plural = _("bulk operations")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.action} × {self.changed}"


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
