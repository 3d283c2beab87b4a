"""What was refused stays refused, and one campaign that cannot go on does not keep the others from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import services
from campaigns.errors import ApprovalNeeded, OwnApproval
from campaigns.models import Automation, Campaign
from campaigns.services import progress
from campaigns.tasks import advance_campaigns
from campaigns.tests.helpers import make_campaign, set_rules
from feedback.tests.helpers import make_customer
from servaan_crm.accounts.models import User


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = "test-key"


def second_manager() -> Any:
    return User.objects.create_user("second", "x-pass-1234", role="manager", name="مدیر دوم").actor


def test_what_was_sent_back_needs_another_approval(cafe):
    set_rules(approval_above=1)
    make_customer(), make_customer()
    author, owner = cafe.manager.actor, cafe.owner.actor
    campaign = make_campaign(actor=author, scheduled_at=timezone.now() + timedelta(days=1))
    services.submit_campaign(actor=author, campaign_id=campaign.pk)
    services.approve_campaign(actor=owner, campaign_id=campaign.pk)
    services.withdraw_campaign(actor=author, campaign_id=campaign.pk)
    services.submit_campaign(actor=author, campaign_id=campaign.pk)
    services.reject_campaign(actor=owner, campaign_id=campaign.pk, reason="متن را کوتاه کنید")
    for press in (services.send_campaign, services.schedule_campaign):
        with pytest.raises(ApprovalNeeded):
            press(actor=author, campaign_id=campaign.pk)


def test_who_wrote_the_text_is_no_second_person(cafe):
    set_rules(approval_above=1)
    first, second = cafe.manager.actor, second_manager()
    campaign = make_campaign(actor=first)
    services.submit_campaign(actor=first, campaign_id=campaign.pk)
    assert services.approve_campaign(actor=second, campaign_id=campaign.pk).approved_at
    services.update_campaign(actor=second, campaign_id=campaign.pk, changes={"content": "متن دیگر"})
    services.submit_campaign(actor=first, campaign_id=campaign.pk)
    page = cafe.browser("manager").get(f"/campaigns/{campaign.pk}/")
    assert page.context["may_approve"] is False
    with pytest.raises(OwnApproval):
        services.approve_campaign(actor=second, campaign_id=campaign.pk)
    assert services.approve_campaign(actor=cafe.owner.actor, campaign_id=campaign.pk).approved_at


def test_one_that_cannot_go_on_leaves_the_others_alone(cafe, monkeypatch):
    set_rules()
    make_customer()
    soon = timezone.now() + timedelta(hours=1)
    due = [make_campaign(scheduled_at=soon) for _number in range(4)]
    for one in due:
        services.schedule_campaign(actor=cafe.owner.actor, campaign_id=one.pk)
    Campaign.objects.update(scheduled_at=timezone.now() - timedelta(minutes=1))
    begin = progress.start

    def begins(campaign: Campaign, *rest: Any) -> None:
        if campaign.pk == due[0].pk:
            raise ZeroDivisionError
        begin(campaign, *rest)

    monkeypatch.setattr(progress, "start", begins)
    # A text whose variable nobody knows any more, as an older version may have left it.
    Campaign.objects.filter(pk=due[1].pk).update(content="{{nobody_knows}}")
    advance_campaigns(schema_name=cafe.cafe.schema_name)
    found = [Campaign.objects.get(pk=one.pk) for one in due]
    assert [one.status for one in found] == ["scheduled", "sending", "sending", "sending"]
    assert [one.deliveries.filter(state="queued").count() for one in found] == [0, 0, 1, 1]


def test_a_retry_asks_for_the_version_that_was_seen(cafe):
    set_rules()
    campaign = make_campaign()
    Campaign.objects.filter(pk=campaign.pk).update(status="sent", version=7)
    answer = cafe.api("manager").post(f"/api/crm/campaigns/{campaign.pk}/retry", HTTP_IF_MATCH='"v6"')
    assert (answer.status_code, answer.json()["error"]["details"]["version"]) == (409, 7)


@pytest.mark.parametrize("version", ["²", "9" * 5_000, "x"])
def test_a_version_nobody_can_read_is_no_fault_of_ours(cafe, version):
    campaign = make_campaign()
    browser = cafe.browser("manager")
    step = {"name": "نوروز", "criteria": "{}", "version": version}
    assert browser.post(f"/campaigns/{campaign.pk}/edit/who/", step).status_code == 302
    assert browser.post(f"/campaigns/{campaign.pk}/do/submit/", {"version": version}).status_code == 302
    one = Automation.objects.get(key="welcome")
    assert browser.post(f"/automations/{one.pk}/edit/", {"version": version}).status_code in (302, 422)
