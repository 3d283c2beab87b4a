"""Every write of the campaigns room."""

from campaigns.services.campaigns import create_campaign, delete_campaign, duplicate_campaign, update_campaign
from campaigns.services.links import LinkWanted, follow_link, make_links
from campaigns.services.sending import (
    approve_campaign,
    cancel_campaign,
    pause_campaign,
    reject_campaign,
    resume_campaign,
    retry_failed,
    schedule_campaign,
    send_campaign,
    submit_campaign,
    withdraw_campaign,
)
from campaigns.services.states import possible_actions
from campaigns.services.templates import create_template, delete_template, update_template
from campaigns.services.try_out import send_test

__all__ = [
    "LinkWanted",
    "approve_campaign",
    "cancel_campaign",
    "create_campaign",
    "create_template",
    "delete_campaign",
    "delete_template",
    "duplicate_campaign",
    "follow_link",
    "make_links",
    "pause_campaign",
    "possible_actions",
    "reject_campaign",
    "resume_campaign",
    "retry_failed",
    "schedule_campaign",
    "send_campaign",
    "send_test",
    "submit_campaign",
    "update_campaign",
    "update_template",
    "withdraw_campaign",
]
