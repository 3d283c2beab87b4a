"""The tabs this room hangs into the profile."""

from django.utils.translation import gettext_lazy as _

from customers.web.tabs import register_tab
from servaan_crm.accounts.permissions import P

register_tab(
    name="overview",
    label=_("Overview"),
    icon="home",
    url_name="customers:detail",
    permission=P.CUSTOMERS_VIEW,
    order=0,
)
register_tab(
    name="visits",
    label=_("Visits"),
    icon="receipt",
    url_name="customers:tab-visits",
    permission=P.CUSTOMERS_VIEW,
    order=10,
)
register_tab(
    name="behavior",
    label=_("Behaviour"),
    icon="heartbeat",
    url_name="customers:tab-behavior",
    permission=P.CUSTOMERS_VIEW,
    order=70,
)
register_tab(
    name="notes",
    label=_("Notes"),
    icon="note",
    url_name="customers:tab-notes",
    permission=P.CUSTOMERS_VIEW,
    order=30,
)
register_tab(
    name="family",
    label=_("Family"),
    icon="users",
    url_name="customers:tab-family",
    permission=P.CUSTOMERS_VIEW,
    order=40,
)
register_tab(
    name="consent",
    label=_("Consent"),
    icon="shield-check",
    url_name="customers:tab-consent",
    permission=P.CUSTOMERS_VIEW,
    order=80,
)
register_tab(
    name="history",
    label=_("History of changes"),
    icon="history",
    url_name="customers:tab-history",
    permission=P.AUDIT_VIEW,
    order=90,
)
