"""A guest, the tags staff put on it, and the summary that lists and filters read."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from servaan_crm.accounts.models import Outlet, User
from servaan_crm.core.models import BaseModel
from servaan_crm.l10n import phone as phones
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import search_key_field, sort_key_field


class Tag(BaseModel):
    """A word staff put on guests: corporate, vegetarian, near the window."""

    name = models.CharField(_("name"), max_length=50, unique=True)
    color = models.CharField(_("colour"), max_length=7, default="#6B7280")

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Customer(BaseModel):
    """A guest. The phone number (E.164) is the identity, unique among guests that are not deleted."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        INACTIVE = "inactive", _("Inactive")
        BLOCKED = "blocked", _("Blocked")

    class Gender(models.TextChoices):
        UNKNOWN = "", _("Not said")
        FEMALE = "female", _("Female")
        MALE = "male", _("Male")
        OTHER = "other", _("Other")

    phone = models.CharField(_("phone"), max_length=16, db_collation="C")
    name = models.CharField(_("name"), max_length=100)
    name_english = models.CharField(_("Latin name"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    gender = models.CharField(_("gender"), max_length=6, choices=Gender.choices, blank=True)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    anniversary = models.DateField(_("anniversary"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.ACTIVE)
    block_reason = models.CharField(
        _("reason of blocking"), max_length=200, blank=True, default="", db_default=""
    )
    notes = models.TextField(_("notes"), blank=True)
    preferences = models.JSONField(_("preferences"), default=dict, blank=True)
    address = models.TextField(_("address"), blank=True)
    city = models.CharField(_("city"), max_length=50, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=10, blank=True)
    allow_marketing = models.BooleanField(_("accepts marketing messages"), default=True)
    tags = models.ManyToManyField(Tag, verbose_name=_("tags"), blank=True, related_name="customers")
    outlet = models.ForeignKey(
        Outlet, models.SET_NULL, null=True, blank=True, verbose_name=_("first outlet"), related_name="+"
    )
    # Nobody looks guests up by these, and every new guest would pay for their indexes.
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    updated_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    custom = models.JSONField(_("own fields"), default=dict, db_default={}, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, editable=False)
    erased_at = models.DateTimeField(_("erased at"), null=True, editable=False)
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, editable=False, related_name="merged_from"
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    # The import that entered the guest; no foreign key, which a million rows would pay for one by one.
    import_id = models.UUIDField(null=True, editable=False)

    search_key = search_key_field(
        Concat(
            F("name"), Value(" "), F("name_english"), Value(" "), F("email"), Value(" "), F("notes"),
            output_field=models.TextField(),
        ),
        editable=False,
    )  # fmt: skip
    sort_key = sort_key_field(F("name"), editable=False)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["phone"], condition=Q(deleted_at=None), name="customer_phone"),
            models.CheckConstraint(
                condition=Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"), name="customer_phone_e164"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="customer_has_name"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "inactive", "blocked"]), name="customer_status"
            ),
        ]
        indexes = [
            GinIndex(fields=["search_key"], name="customer_search", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["phone"], name="customer_phone_part", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["custom"], name="customer_custom", opclasses=["jsonb_path_ops"]),
            models.Index(
                fields=["email"], name="customer_email", condition=Q(deleted_at=None) & ~Q(email="")
            ),
            models.Index(fields=["-created_at", "id"], name="customer_created", condition=Q(deleted_at=None)),
            models.Index(fields=["sort_key", "id"], name="customer_sort", condition=Q(deleted_at=None)),
            models.Index(fields=["status"], name="customer_status", condition=Q(deleted_at=None)),
            models.Index(fields=["id"], name="customer_deleted", condition=Q(deleted_at__isnull=False)),
            models.Index(fields=["birthday"], name="customer_birthday", condition=Q(deleted_at=None)),
            models.Index(
                fields=["anniversary"],
                name="customer_anniversary",
                condition=Q(deleted_at=None, anniversary__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def national_phone(self) -> str:
        """The number as people of the country write it: 09123456789."""
        return phones.national(self.phone, get_locale().phone_region)

    @property
    def is_blocked(self) -> bool:
        return self.status == self.Status.BLOCKED

    @property
    def allergies(self) -> list[str]:
        """What the guest must not be served, from the preferences."""
        value = self.preferences.get("allergies") if isinstance(self.preferences, dict) else None
        return [str(item) for item in value] if isinstance(value, list) else []


class CustomerSummary(models.Model):
    """One row per guest with what lists show, filter and sort by.

    The visit figures are owned by this room. Segment, tier and points are written here by the rooms
    that own them, in the transaction that changes them; so a list needs one join, and the customer row
    with its search indexes is not rewritten at every visit.
    """

    class Segment(models.TextChoices):
        NEW = "new", _("New")
        OCCASIONAL = "occasional", _("Occasional")
        REGULAR = "regular", _("Regular")
        VIP = "vip", _("VIP")

    class TierLevel(models.TextChoices):
        BRONZE = "bronze", _("Bronze")
        SILVER = "silver", _("Silver")
        GOLD = "gold", _("Gold")
        PLATINUM = "platinum", _("Platinum")

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="summary")
    total_visits = models.PositiveIntegerField(_("visits"), default=0)
    last_visit_number = models.PositiveIntegerField(default=0)
    lifetime_spent = models.DecimalField(_("lifetime spend"), max_digits=16, decimal_places=2, default=0)
    first_visit_at = models.DateTimeField(_("first visit"), null=True)
    last_visit_at = models.DateTimeField(_("last visit"), null=True)
    segment = models.CharField(_("segment"), max_length=10, choices=Segment.choices, default=Segment.NEW)
    tier = models.CharField(_("tier"), max_length=8, choices=TierLevel.choices, default=TierLevel.BRONZE)
    points = models.IntegerField(_("points"), default=0)

    class Meta:
        verbose_name = _("customer summary")
        verbose_name_plural = _("customer summaries")
        constraints = [
            models.CheckConstraint(condition=Q(points__gte=0), name="summary_points"),
            models.CheckConstraint(
                condition=Q(total_visits__lte=F("last_visit_number")), name="summary_visits"
            ),
        ]
        indexes = [
            # Derived facts are counted from this index alone.
            models.Index(
                F("last_visit_at").desc(nulls_last=True),
                "customer_id",
                name="summary_facts",
                include=["segment", "tier", "total_visits", "lifetime_spent"],
            ),
            models.Index(fields=["-lifetime_spent", "customer"], name="summary_spent"),
            models.Index(fields=["-total_visits", "customer"], name="summary_visits_count"),
            models.Index(fields=["-points", "customer"], name="summary_points_idx"),
            models.Index(fields=["segment"], name="summary_segment"),
            models.Index(fields=["tier"], name="summary_tier"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}"

    @property
    def average_spend(self) -> int:
        """Lifetime spend per visit in the base unit, rounded down; 0 without a visit."""
        return int(self.lifetime_spent // self.total_visits) if self.total_visits else 0
