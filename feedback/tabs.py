"""The tab this room hangs into the profile."""

from django.utils.translation import gettext_lazy as _

from customers.web.tabs import register_tab
from servaan_crm.accounts.permissions import P

register_tab(
    name="feedback",
    label=_("Feedback"),
    icon="star",
    url_name="feedback:customer-tab",
    permission=P.FEEDBACK_VIEW,
    order=60,
)
