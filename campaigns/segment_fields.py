"""Fields of segments about campaigns: how many a guest got, and how often one of their links was followed."""

from django.utils.translation import gettext_lazy as _

from segments.language.event_fields import window_field
from segments.language.plan import Table

RECEIVED = Table(
    "messaging_message",
    "campaign_message",
    "created_at",
    "customer_id IS NOT NULL AND kind = 'campaign' AND state IN ('sent', 'delivered')",
)
FOLLOWED = Table(
    "(SELECT link.customer_id, call.at FROM campaigns_linkclick call"
    " JOIN campaigns_shortlink link ON link.code = call.link_id WHERE NOT call.is_machine) followed",
    "followed_link",
    "at",
    "customer_id IS NOT NULL",
)


def register_all() -> None:
    """Add the fields to the language. Uses of codes are there already (``codes_used``)."""
    window_field("campaigns_received", _("Campaign messages received"), "messages", RECEIVED, "count(*)")
    window_field("links_followed", _("Links in messages followed"), "messages", FOLLOWED, "count(*)")
