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
    name="behavior",
    label=_("Behaviour"),
    icon="heartbeat",
    url_name="customers:tab-behavior",
    permission=P.CUSTOMERS_VIEW,
    order=70,
)
