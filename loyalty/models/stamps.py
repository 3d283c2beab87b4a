"""Stamp cards: every Nth visit, or every Nth coffee, brings something."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from loyalty.models.rewards import Reward
from servaan_crm.core.models import BaseModel


class StampCard(BaseModel):
    """The rule of one card. A full card brings points, a voucher of ``reward``, or both, and starts anew."""

    class Counts(models.TextChoices):
        VISITS = "visits", _("a stamp per visit")
        ITEMS = "items", _("a stamp per item")

    name = models.CharField(_("name"), max_length=80)
    counts = models.CharField(_("counts"), max_length=6, choices=Counts.choices, default=Counts.VISITS)
    stamps_needed = models.PositiveSmallIntegerField(_("stamps for a full card"), default=10)
    items = ArrayField(models.CharField(max_length=100), verbose_name=_("items"), default=list, blank=True)
    categories = ArrayField(
        models.CharField(max_length=100), verbose_name=_("categories"), default=list, blank=True
    )
    minimum_amount = models.DecimalField(_("smallest bill"), max_digits=14, decimal_places=2, default=0)
    reward = models.ForeignKey(
        Reward, models.PROTECT, null=True, blank=True, verbose_name=_("reward"), related_name="stamp_cards"
    )
    points = models.PositiveIntegerField(_("points"), default=0)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("stamp card")
        verbose_name_plural = _("stamp cards")
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(stamps_needed__range=(2, 100)), name="stamp_card_needed"),
            models.CheckConstraint(
                condition=Q(reward__isnull=False) | Q(points__gt=0), name="stamp_card_brings_something"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StampEntry(BaseModel):
    """Stamps put on a guest's card or taken off again; rows are never changed, the last one tells the state.

    ``total_after`` counts all stamps ever put on this card, less those taken off:
    full cards = ``total_after // stamps_needed``.
    """

    card = models.ForeignKey(StampCard, models.PROTECT, verbose_name=_("stamp card"), related_name="entries")
    customer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("customer"), related_name="stamp_entries"
    )
    sequence = models.PositiveIntegerField(_("number"))
    stamps = models.SmallIntegerField(_("stamps"))
    total_after = models.PositiveIntegerField(_("stamps afterwards"))
    # Full cards paid out so far: a stamp that comes back after a void does not pay the same card twice.
    full_cards = models.PositiveIntegerField(_("full cards"), default=0)
    visit = models.ForeignKey(
        Visit, models.PROTECT, null=True, blank=True, verbose_name=_("visit"), related_name="stamp_entries"
    )
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversal")
    updated_at = None  # type: ignore[assignment]

    class Meta:
        verbose_name = _("stamps")
        verbose_name_plural = _("stamps")
        constraints = [
            models.UniqueConstraint(fields=["customer", "card", "sequence"], name="stamp_sequence"),
            models.CheckConstraint(condition=~Q(stamps=0), name="stamp_not_zero"),
        ]
        indexes = [models.Index(fields=["visit"], name="stamp_visit", condition=Q(visit__isnull=False))]

    def __str__(self) -> str:
        return f"{self.stamps:+d}"
