"""The card a guest opens by a link."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer


class GuestCard(models.Model):
    """The secret part of a guest's link; a new ``key`` makes every older link worthless.

    The key alone opens nothing: the link carries a signature of it as well (see ``loyalty.card_links``).
    """

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="guest_card")
    key = models.CharField(max_length=8, unique=True, editable=False)
    renewed_at = models.DateTimeField(_("renewed at"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("guest card")
        verbose_name_plural = _("guest cards")

    def __str__(self) -> str:
        return str(self.customer_id)
