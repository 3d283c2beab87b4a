"""Every write of the campaigns room."""

from campaigns.services.automations import (
    EDITABLE,
    FIRST_VISIT_TEXTS,
    FIRST_VISIT_THANKS,
    create_ready_made,
    update_automation,
)

__all__ = [
    "EDITABLE",
    "FIRST_VISIT_TEXTS",
    "FIRST_VISIT_THANKS",
    "create_ready_made",
    "update_automation",
]
