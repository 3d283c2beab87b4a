"""Short links: who followed which message."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models.automation import AutomationRun
from campaigns.models.campaign import CampaignDelivery
from customers.models import Customer


class ShortLink(models.Model):
    """A link of one message to one guest. ``clicks`` counts people, not the previews of phones and programs."""

    code = models.CharField(_("code"), max_length=12, primary_key=True, db_collation="C")
    url = models.CharField(_("address"), max_length=500)
    customer = models.ForeignKey(
        Customer, models.CASCADE, null=True, verbose_name=_("customer"), related_name="short_links"
    )
    delivery = models.OneToOneField(
        CampaignDelivery, models.CASCADE, null=True, verbose_name=_("delivery"), related_name="link"
    )
    run = models.ForeignKey(
        AutomationRun, models.CASCADE, null=True, verbose_name=_("run"), related_name="links"
    )
    clicks = models.PositiveIntegerField(_("clicks"), default=0, db_default=0)
    first_clicked_at = models.DateTimeField(_("first click"), null=True)
    last_clicked_at = models.DateTimeField(_("last click"), null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("short link")
        verbose_name_plural = _("short links")
        constraints = [
            models.CheckConstraint(
                condition=Q(clicks=0) | Q(first_clicked_at__isnull=False), name="short_link_clicked"
            )
        ]

    def __str__(self) -> str:
        return self.code


class LinkClick(models.Model):
    """One call of a short link."""

    link = models.ForeignKey(ShortLink, models.CASCADE, related_name="calls")
    at = models.DateTimeField(_("at"), db_default=Now())
    is_machine = models.BooleanField(_("a program"), default=False)

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")

    def __str__(self) -> str:
        return f"{self.link_id} {self.pk}"
