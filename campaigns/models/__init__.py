"""Campaigns and automations."""

from campaigns.models.automation import Automation, AutomationRun, HookCall, validate_template
from campaigns.models.campaign import (
    Campaign,
    CampaignDelivery,
    CampaignTemplate,
    CampaignType,
    CampaignVariant,
)
from campaigns.models.link import LinkClick, ShortLink

__all__ = [
    "Automation",
    "AutomationRun",
    "Campaign",
    "CampaignDelivery",
    "CampaignTemplate",
    "CampaignType",
    "CampaignVariant",
    "HookCall",
    "LinkClick",
    "ShortLink",
    "validate_template",
]
