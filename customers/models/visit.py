"""A visit: one bill, of a known guest or of a walk-in."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from servaan_crm.accounts.models import Outlet, User
from servaan_crm.core.models import BaseModel


class Visit(BaseModel):
    """One bill. Amounts are in the base unit (rial, rupee, taka).

    ``items`` is a list of ``{"item_id", "name", "category", "quantity", "unit_price", "total_price"}``.
    A visit without a customer is a walk-in. A voided visit keeps its number and counts for nothing.
    """

    class VisitType(models.TextChoices):
        DINE_IN = "dine_in", _("Dine-in")
        TAKEAWAY = "takeaway", _("Takeaway")
        DELIVERY = "delivery", _("Delivery")

    class PaymentMethod(models.TextChoices):
        CASH = "cash", _("Cash")
        CARD = "card", _("Card")
        ONLINE = "online", _("Online")
        POINTS = "points", _("Points")
        MIXED = "mixed", _("Mixed")

    # Every bill pays for each index: these references are found by the ones below that begin with them, and nobody
    # looks bills up by who wrote or voided them.
    customer = models.ForeignKey(
        Customer,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("customer"),
        related_name="visits",
        db_index=False,
    )
    visit_number = models.PositiveIntegerField(_("visit number"), null=True, editable=False)
    visit_date = models.DateTimeField(_("visit date"), default=timezone.now)
    outlet = models.ForeignKey(
        Outlet, models.PROTECT, verbose_name=_("outlet"), related_name="+", db_index=False
    )
    visit_type = models.CharField(
        _("type"), max_length=8, choices=VisitType.choices, default=VisitType.DINE_IN
    )
    table_number = models.CharField(_("table"), max_length=10, blank=True)
    server_name = models.CharField(_("server"), max_length=100, blank=True)
    service_duration = models.PositiveIntegerField(_("service duration (minutes)"), null=True, blank=True)
    items = models.JSONField(_("items"), default=list, blank=True)
    item_count = models.PositiveIntegerField(_("number of items"), default=0, editable=False)
    total_amount = models.DecimalField(_("total"), max_digits=14, decimal_places=2)
    discount_amount = models.DecimalField(_("discount"), max_digits=14, decimal_places=2, default=0)
    final_amount = models.GeneratedField(
        expression=F("total_amount") - F("discount_amount"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("to pay"),
    )
    points_value = models.DecimalField(_("paid with points"), max_digits=14, decimal_places=2, default=0)
    payment_method = models.CharField(_("payment"), max_length=6, choices=PaymentMethod.choices, blank=True)
    points_earned = models.PositiveIntegerField(_("points earned"), default=0, editable=False)
    points_redeemed = models.PositiveIntegerField(_("points redeemed"), default=0, editable=False)
    feedback_rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True)
    feedback_comment = models.TextField(_("comment"), blank=True)
    notes = models.TextField(_("notes"), blank=True)
    order_reference = models.CharField(_("order reference"), max_length=100, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    voided_at = models.DateTimeField(_("voided at"), null=True, editable=False)
    voided_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    void_reason = models.CharField(_("reason of voiding"), max_length=200, blank=True, editable=False)
    import_id = models.UUIDField(null=True, editable=False)  # the import that brought the visit

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        constraints = [
            models.UniqueConstraint(fields=["customer", "visit_number"], name="visit_number_once"),
            models.CheckConstraint(
                condition=Q(customer=None, visit_number=None)
                | Q(customer__isnull=False, visit_number__gte=1),
                name="visit_number_known_guest",
            ),
            models.CheckConstraint(condition=Q(discount_amount__gte=0), name="visit_discount"),
            models.CheckConstraint(
                condition=Q(total_amount__gte=F("discount_amount")), name="visit_final_amount"
            ),
            models.CheckConstraint(
                condition=Q(points_value__gte=0, points_value__lte=F("total_amount") - F("discount_amount")),
                name="visit_points_value",
            ),
            models.CheckConstraint(
                condition=Q(feedback_rating=None) | Q(feedback_rating__gte=1, feedback_rating__lte=5),
                name="visit_rating",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "-visit_date"],
                name="visit_of_customer",
                include=["final_amount", "voided_at"],
            ),
            models.Index(fields=["-visit_date"], name="visit_date"),
            models.Index(fields=["outlet", "-visit_date"], name="visit_of_outlet"),
        ]

    def __str__(self) -> str:
        return f"{self.visit_date:%Y-%m-%d} {self.total_amount}"

    @property
    def is_voided(self) -> bool:
        return self.voided_at is not None
