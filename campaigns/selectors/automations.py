"""Automations, as they are asked for."""

from django.db.models import QuerySet

from campaigns.models import Automation


def list_active_automations(trigger: str) -> QuerySet[Automation]:
    """Return the automations that are switched on for ``trigger``."""
    return Automation.objects.filter(trigger=trigger, is_active=True)
