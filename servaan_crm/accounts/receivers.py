"""What a new café starts with: one outlet."""

from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import override

from servaan_crm.accounts.models import Outlet
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created


@receiver(cafe_created)
def create_first_outlet(cafe: Cafe, **_kwargs: Any) -> None:
    """Give the café its main outlet unless it has one."""
    with override(cafe.language):
        Outlet.objects.get_or_create(is_default=True, defaults={"name": _("Main outlet")})
