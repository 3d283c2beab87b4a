"""Reads of the campaigns room."""

from campaigns.selectors.campaigns import get_campaign, get_template, list_campaigns, list_templates
from campaigns.selectors.deliveries import DeliveryRow, delivery_rows, list_deliveries
from campaigns.selectors.preview import CampaignPreview, Funnel, preview_campaign
from campaigns.selectors.results import Results, get_results
from campaigns.selectors.statistics import Figures, figures_by_variant, figures_of, get_figures

__all__ = [
    "CampaignPreview",
    "DeliveryRow",
    "Figures",
    "Funnel",
    "Results",
    "delivery_rows",
    "figures_by_variant",
    "figures_of",
    "get_campaign",
    "get_figures",
    "get_results",
    "get_template",
    "list_campaigns",
    "list_deliveries",
    "list_templates",
    "preview_campaign",
]
