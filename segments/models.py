"""Named criteria. The language itself is in ``criteria.py``."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class Segment(BaseModel):
    """A named group of guests, described by criteria rather than by a list."""

    key = models.SlugField(_("key"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    criteria = models.JSONField(_("criteria"))
    is_system = models.BooleanField(_("built in"), default=False, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    color = models.CharField(_("colour"), max_length=7, default="#6B7280")
    icon_name = models.CharField(_("icon"), max_length=50, blank=True)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["display_order", "name"]

    def __str__(self) -> str:
        return self.name
