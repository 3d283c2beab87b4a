"""Background work of the campaigns room."""

from uuid import UUID

from celery import shared_task

from campaigns.models import Campaign
from campaigns.selectors.kept import count_again
from campaigns.services.feed import work_on
from campaigns.services.progress import advance_all, each, follow_feature
from campaigns.services.templates import create_system_templates
from servaan_crm.core.features import is_enabled
from servaan_crm.core.tasks import TenantTask, enqueue
from servaan_crm.tenancy.current import get_cafe


@shared_task(base=TenantTask, name="campaigns.run")
def run_campaign(campaign_id: str) -> bool:
    """Bring one campaign forward; when the time is up before the work is, another worker goes on."""
    if not is_enabled("campaigns"):
        return True
    done = work_on(UUID(campaign_id))
    if not done:
        enqueue(run_campaign, campaign_id)
    return done


@shared_task(base=TenantTask, name="campaigns.advance")
def advance_campaigns() -> int:
    """The sweep: what is due begins, what lost its worker goes on, what is over ends; returns how many went on."""
    is_on = is_enabled("campaigns")
    follow_feature(is_on=is_on)
    if not is_on:
        return 0
    under_way = advance_all()
    each(under_way, work_on)
    return len(under_way)


@shared_task(base=TenantTask, name="campaigns.count_again")
def count_campaign_again(campaign_id: str, part: str) -> None:
    """Count a part of a large campaign's figures anew, for the pages that show them."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is not None:
        count_again(campaign, part)


@shared_task(base=TenantTask, name="campaigns.nightly")
def nightly() -> int:
    """Built-in texts for cafés that are older than they are; returns how many were added."""
    return create_system_templates(get_cafe()) if is_enabled("campaigns") else 0
