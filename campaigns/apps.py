"""Campaigns: automations, and in time the campaigns themselves."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns import automations, bulk_messages, guest_data, receivers, segment_fields, segment_uses  # noqa: F401
        from campaigns.automations.variables import offer_feedback_link
        from feedback.links import make_links

        automations.register()
        offer_feedback_link(make_links)
        segment_fields.register_all()
