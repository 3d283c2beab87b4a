"""Reads of the campaigns room."""

from campaigns.selectors.automations import list_active_automations

__all__ = ["list_active_automations"]
