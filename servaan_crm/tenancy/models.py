"""A café is one PostgreSQL schema, found by its host name. Its country is data, not code."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from servaan_crm.core.features import FEATURES
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.locale import CafeLocale

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RESERVED_SLUGS = {"www", "api", "admin", "public", "static", "mail", "app", "platform", "localhost"}


def validate_slug(value: str) -> None:
    """A slug becomes a host label and a schema name. Raises ValidationError when it cannot."""
    if not _SLUG.fullmatch(value) or not 3 <= len(value) <= 40:
        raise ValidationError(
            _("Use 3 to 40 lower-case Latin letters, digits and single dashes, beginning with a letter.")
        )
    if value in RESERVED_SLUGS or value.startswith("pg"):
        raise ValidationError(_("“%(value)s” is reserved; choose another name."), params={"value": value})


def all_features() -> dict[str, bool]:
    """Return the toggles of a new café: everything on."""
    return dict.fromkeys(FEATURES, True)


class Cafe(TenantMixin):
    """One café (or group of outlets under one name) and its locale."""

    class Calendar(models.TextChoices):
        JALALI = "jalali", _("Jalali")
        GREGORIAN = "gregorian", _("Gregorian")

    class Currency(models.TextChoices):
        IRR = "IRR", _("Iranian rial")
        INR = "INR", _("Indian rupee")
        BDT = "BDT", _("Bangladeshi taka")

    class Country(models.TextChoices):
        IR = "IR", _("Iran")
        IN = "IN", _("India")
        BD = "BD", _("Bangladesh")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(_("address"), max_length=40, unique=True, validators=[validate_slug])
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("Latin name"), max_length=100, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_demo = models.BooleanField(_("demonstration café"), default=False)
    plan = models.CharField(_("plan"), max_length=30, default="free")
    country = models.CharField(_("country"), max_length=2, choices=Country.choices, default=Country.IR)
    currency = models.CharField(_("currency"), max_length=3, choices=Currency.choices, default=Currency.IRR)
    show_toman = models.BooleanField(_("show amounts in toman"), default=True)
    calendar = models.CharField(
        _("calendar"), max_length=10, choices=Calendar.choices, default=Calendar.JALALI
    )
    language = models.CharField(_("language"), max_length=5, default="fa")
    time_zone = models.CharField(_("time zone"), max_length=40, default="Asia/Tehran")
    features = models.JSONField(_("features"), default=all_features)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    provisioned_at = models.DateTimeField(_("ready since"), null=True, editable=False)

    # Provisioning is an explicit, observable step (see services.create_cafe).
    auto_create_schema = False
    auto_drop_schema = False

    class Meta:
        verbose_name = _("café")
        verbose_name_plural = _("cafés")

    def __str__(self) -> str:
        return self.name

    @property
    def locale(self) -> CafeLocale:
        """The café's country, money, calendar and language in the form the l10n room uses."""
        return CafeLocale(
            country=self.country,
            phone_region=self.country,
            currency=self.currency,
            show_toman=self.show_toman and self.currency == self.Currency.IRR,
            calendar=self.calendar,
            language=self.language,
            time_zone=self.time_zone,
        )

    def setting(self, name: str, default: Any) -> Any:
        """Return one café setting, or the product's default."""
        return self.settings.get(name, default)


class Domain(DomainMixin):
    """A host name of a café, in lower case and without a port."""

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
