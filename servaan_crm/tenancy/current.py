"""The café in hand."""

from django.db import connection

from servaan_crm.l10n.locale import CafeLocale
from servaan_crm.tenancy.models import Cafe


class NoCafe(RuntimeError):
    """Code that needs a café ran on the public schema."""


def get_cafe() -> Cafe:
    """Return the café whose schema the connection is set to. Raises NoCafe on the public schema."""
    cafe = connection.tenant
    if not isinstance(cafe, Cafe):
        raise NoCafe("this needs a café")
    return cafe


def get_locale() -> CafeLocale:
    """Return the locale of the current café."""
    return get_cafe().locale
