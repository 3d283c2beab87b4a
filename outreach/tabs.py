"""The tab this room hangs into the profile."""

from django.utils.translation import gettext_lazy as _

from customers.web.tabs import register_tab
from servaan_crm.accounts.permissions import P

register_tab(
    name="communications",
    label=_("Messages and contacts"),
    icon="message",
    url_name="outreach:tab-communications",
    permission=P.MESSAGES_VIEW,
    order=50,
)
