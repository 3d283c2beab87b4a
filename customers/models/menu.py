"""What the café sells, as far as visits need to name it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.models import BaseModel


class MenuItem(BaseModel):
    """A drink or dish with its price today, in the base unit of the currency."""

    name = models.CharField(_("name"), max_length=100)
    category = models.CharField(_("category"), max_length=60, blank=True)
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=2)
    is_active = models.BooleanField(_("on the menu"), default=True)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("menu item")
        verbose_name_plural = _("menu items")
        ordering = ["display_order", "category", "name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="menu_item_name"),
            models.CheckConstraint(condition=Q(price__gte=0), name="menu_item_price"),
        ]

    def __str__(self) -> str:
        return self.name
