"""Nobody twice, nobody lost: two senders, dying and doubled feeders, pause and cancel under way, trials, retries."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_tenants.utils import tenant_context

from campaigns import services
from campaigns.errors import CampaignAlreadySent, NothingToRetry, OwnApproval, WrongCampaignState
from campaigns.models import Campaign, CampaignDelivery, ShortLink
from campaigns.selectors import get_figures
from campaigns.services import feed, progress
from campaigns.tests.helpers import ACTOR, gateway, make_campaign, send_now, set_rules
from customers.models import Customer
from customers.services.consent import set_consent
from feedback.tests.helpers import make_customer
from loyalty.models import DiscountCode
from servaan_crm.core.actors import Actor
from servaan_crm.messaging.models import GatewayState, Message
from servaan_crm.messaging.services import dispatch_batch, dispatch_until_idle
from servaan_crm.messaging.tests.helpers import due_now, run_in_threads


@pytest.fixture
def wire(settings: Any):
    """A gateway that answers, and no quiet time in the café of the test."""
    with gateway(settings) as running:
        yield running


def _guests(count: int) -> list[Customer]:
    return [make_customer(name=f"مهمان {number}") for number in range(count)]


def _texts(wire: Any) -> list[tuple[str, str]]:
    return [(phone, row["message"]) for phone, rows in wire.received().items() for row in rows]


def test_two_people_press_send_and_one_of_them_is_told(fresh_cafe, wire):
    fresh_cafe()
    set_rules()
    _guests(3)
    campaign = make_campaign()

    def press() -> str:
        try:
            services.send_campaign(actor=ACTOR, campaign_id=campaign.pk, version=campaign.version)
        except CampaignAlreadySent as error:
            return error.code
        return "sent"

    assert sorted(run_in_threads(press, 2)) == ["CAMPAIGN_ALREADY_SENT", "sent"]
    feed.work_on(campaign.pk)
    assert Message.objects.filter(group_id=campaign.pk).count() == 3


class Killed(BaseException):
    """A worker that ends in the middle of its work."""


def test_killed_and_doubled_feeders_write_one_message_each(fresh_cafe, wire, monkeypatch):
    fresh_cafe()
    set_rules()
    _guests(60)
    campaign = make_campaign(link_url="https://example.com/menu", content="{{name|مهمان}} {{link}}")
    services.send_campaign(actor=ACTOR, campaign_id=campaign.pk)
    feed.build_audience(campaign.pk)
    feed.feed_chunk(campaign.pk, size=7)

    def die(*_args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(
            feed, "_hand_over", lambda campaign, taken: (feed._queue(feed._write(campaign, taken)), die())
        )
        with pytest.raises(Killed):
            feed.feed_chunk(campaign.pk, size=7)
    assert Message.objects.filter(group_id=campaign.pk).count() == 7

    def feeder() -> int:
        done = 0
        while taken := feed.feed_chunk(campaign.pk, size=3):
            done += taken
        return done

    assert sum(run_in_threads(feeder, 2)) == 53
    states = CampaignDelivery.objects.filter(campaign=campaign).values_list("state", "message_id")
    assert {state for state, _message in states} == {"queued"}
    assert (
        len({message for _state, message in states})
        == 60
        == Message.objects.filter(group_id=campaign.pk).count()
    )
    assert ShortLink.objects.count() == 60
    dispatch_until_idle()
    texts = _texts(wire)
    assert len(texts) == 60 == len({phone for phone, _text in texts})
    assert all("/l/" in text and text.endswith("\nلغو۱۱") for _phone, text in texts)


def test_a_killed_build_leaves_nothing_and_two_builders_make_one_audience(fresh_cafe, wire):
    fresh_cafe()
    set_rules()
    _guests(20)
    campaign = make_campaign()
    services.send_campaign(actor=ACTOR, campaign_id=campaign.pk)

    def build_and_die() -> None:
        with transaction.atomic():
            feed.build_audience(campaign.pk)
            raise Killed

    with pytest.raises(Killed):
        build_and_die()
    assert not CampaignDelivery.objects.exists()
    run_in_threads(lambda: feed.work_on(campaign.pk), 2)
    assert Message.objects.filter(group_id=campaign.pk).count() == 20


def _in_background(cafe: Any, work: Any) -> threading.Thread:
    def run() -> None:
        with tenant_context(cafe):
            work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _wait_for_texts(wire: Any, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(_texts(wire)) < count:
        assert time.monotonic() < deadline, "nothing is being sent"
        time.sleep(0.01)


@pytest.mark.parametrize("ending", ["resume", "cancel"])
def test_pause_resume_and_cancel_take_effect_within_a_batch(fresh_cafe, settings, ending):
    cast = fresh_cafe()
    set_rules()
    _guests(900)
    with gateway(settings, pace=0.15) as wire:
        campaign = send_now(make_campaign())
        sender = _in_background(cast.cafe, dispatch_until_idle)
        _wait_for_texts(wire, 1)
        if ending == "resume":
            services.pause_campaign(actor=ACTOR, campaign_id=campaign.pk)
        else:
            services.cancel_campaign(actor=ACTOR, campaign_id=campaign.pk)
        at_that_moment = len(_texts(wire))
        sender.join()
        # One batch is on the wire and one was claimed already, of 200 each.
        after = len(_texts(wire))
        assert after <= at_that_moment + 400
        assert after < 900
        if ending == "resume":
            services.resume_campaign(actor=ACTOR, campaign_id=campaign.pk)
            dispatch_until_idle()
            assert len(_texts(wire)) == 900 == len(set(_texts(wire)))
            return
        feed.work_on(campaign.pk)
        dispatch_until_idle()
        figures = get_figures(campaign)
        assert len(_texts(wire)) == after == figures.sent
        assert figures.by_status["cancelled"] == 900 - after


def test_cancel_takes_back_what_a_feeder_has_in_hand(fresh_cafe, wire, monkeypatch):
    cast = fresh_cafe()
    set_rules()
    _guests(10)
    campaign = make_campaign()
    services.send_campaign(actor=ACTOR, campaign_id=campaign.pk)
    feed.build_audience(campaign.pk)
    in_hand, go_on = threading.Event(), threading.Event()
    write = feed._write

    def slowly(*args: Any) -> Any:
        in_hand.set()
        go_on.wait(10)
        return write(*args)

    monkeypatch.setattr(feed, "_write", slowly)
    feeder = _in_background(cast.cafe, lambda: feed.feed_chunk(campaign.pk))
    assert in_hand.wait(10)
    services.cancel_campaign(actor=ACTOR, campaign_id=campaign.pk)
    ending = _in_background(cast.cafe, lambda: progress.settle(campaign.pk))
    go_on.set()
    feeder.join()
    ending.join()
    dispatch_until_idle()
    assert _texts(wire) == []
    assert set(Message.objects.filter(group_id=campaign.pk).values_list("state", flat=True)) == {"cancelled"}


def test_who_says_no_between_queueing_and_sending_gets_nothing(cafe, wire):
    set_rules()
    guests = _guests(3)
    campaign = send_now(make_campaign())
    set_consent(actor=ACTOR, customer_id=guests[0].pk, channel="sms", granted=False, source="staff")
    _dispatch()
    figures = get_figures(campaign)
    assert (figures.sent, figures.failed) == (2, 1)
    rows = services_rows(campaign, "not_reached")
    assert [row.customer_id for row in rows] == [guests[0].pk]
    assert rows[0].why


def services_rows(campaign: Campaign, status: str) -> list[Any]:
    from campaigns.selectors import delivery_rows, list_deliveries

    return delivery_rows(list(list_deliveries(campaign, status=status)))


def _dispatch() -> None:
    """Send inside a test's own transaction: the rule against that is about real ones."""
    from servaan_crm.messaging.services import dispatch

    before, dispatch._refuse_transaction = dispatch._refuse_transaction, lambda: None
    due_now()  # the clock of a transaction stands still
    try:
        while dispatch_batch().claimed:
            pass
    finally:
        dispatch._refuse_transaction = before


def test_statistics_are_those_of_the_gateway_and_failed_ones_are_tried_again_once(cafe, wire):
    set_rules()
    guests = _guests(12)
    campaign = send_now(make_campaign(valid_hours=1))
    # Two wait until they are worthless; the provider never saw them.
    late = [row.pk for row in Message.objects.filter(customer_id__in=[guests[0].pk, guests[1].pk])]
    Message.objects.filter(pk__in=late).update(state="expired")
    _dispatch()
    progress.settle(campaign.pk)
    campaign.refresh_from_db()
    figures = get_figures(campaign)
    assert (figures.targeted, figures.sent, figures.failed, figures.retryable) == (12, 10, 2, 2)
    assert figures.sent == len(_texts(wire))
    assert campaign.status in ("sent", "completed")

    assert services.retry_failed(actor=ACTOR, campaign_id=campaign.pk) == 2
    feed.work_on(campaign.pk)
    _dispatch()
    assert len(_texts(wire)) == 12 == len({phone for phone, _text in _texts(wire)})
    progress.settle(campaign.pk)
    with pytest.raises(NothingToRetry):
        services.retry_failed(actor=ACTOR, campaign_id=campaign.pk)
    assert get_figures(campaign).sent == 12


def test_a_trial_gives_the_rest_the_better_text(cafe, wire):
    set_rules()
    _guests(60)
    texts = [{"content": "اول {{link}}"}, {"content": "دوم {{link}}"}]
    campaign = make_campaign(variants=texts, test_percent=40, test_hours=2, link_url="https://example.com/")
    send_now(campaign)
    _dispatch()
    progress.settle(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.winner) == ("sending", "")
    waiting = campaign.deliveries.filter(state="waiting").count()
    assert 0 < waiting == campaign.deliveries.filter(variant="").count()

    for link in ShortLink.objects.filter(delivery__variant="B")[:3]:
        assert services.follow_link(link.pk, is_machine=False) == "https://example.com/"
    for link in ShortLink.objects.filter(delivery__variant="A")[:9]:
        services.follow_link(link.pk, is_machine=True)
    progress.settle(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.winner == "", "the hours of the trial are not over"
    Message.objects.filter(group_id=campaign.pk).update(sent_at=timezone.now() - timedelta(hours=3))
    progress.settle(campaign.pk)
    feed.work_on(campaign.pk)
    _dispatch()
    campaign.refresh_from_db()
    assert campaign.winner == "B"
    assert campaign.funnel["trial"]["B"]["hits"] == 3
    assert campaign.funnel["trial"]["A"]["hits"] == 0
    rest = Message.objects.filter(group_id=campaign.pk).order_by("-pk")[:waiting]
    assert {text.split()[0] for text in rest.values_list("body", flat=True)} == {"دوم"}
    progress.settle(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status in ("sent", "completed")


def test_of_equal_texts_the_first_wins():
    from campaigns.selectors.trial import Standing

    assert progress.best_of([Standing("A", 10, 2), Standing("B", 5, 1), Standing("C", 9, 0)]) == "A"


def test_no_credit_pauses_and_resuming_goes_on(cafe, wire):
    set_rules()
    _guests(4)
    campaign = send_now(make_campaign())
    GatewayState.objects.create(account="default", problem_class="credit", problem_since=timezone.now(),
                                blocked_until=timezone.now() + timedelta(minutes=5))  # fmt: skip
    progress.advance_all()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.problem) == ("paused", "low_credit")
    _dispatch()
    assert _texts(wire) == []
    services.resume_campaign(actor=ACTOR, campaign_id=campaign.pk)
    _dispatch()
    assert len(_texts(wire)) == 4


def test_a_switched_off_feature_holds_what_is_being_sent(cafe, wire):
    set_rules()
    _guests(3)
    sending, paused = send_now(make_campaign()), send_now(make_campaign())
    services.pause_campaign(actor=ACTOR, campaign_id=paused.pk)
    progress.follow_feature(is_on=False)
    _dispatch()
    assert _texts(wire) == []
    progress.follow_feature(is_on=True)
    _dispatch()
    assert len(_texts(wire)) == 3 == get_figures(sending).sent


def test_scheduled_ones_begin_when_due_and_worthless_ones_do_not(cafe, wire):
    set_rules()
    _guests(2)
    soon = timezone.now() + timedelta(hours=1)
    due, late = make_campaign(), make_campaign()
    for one in (due, late):
        services.schedule_campaign(actor=ACTOR, campaign_id=one.pk, at=soon)
    assert progress.advance_all() == []
    Campaign.objects.filter(pk=due.pk).update(scheduled_at=timezone.now() - timedelta(minutes=1))
    Campaign.objects.filter(pk=late.pk).update(scheduled_at=timezone.now() - timedelta(days=3))
    assert progress.advance_all() == [due.pk]
    late.refresh_from_db()
    assert (late.status, late.problem) == ("failed", "late")


def test_only_legal_transitions_and_approval_by_somebody_else(cafe, wire):
    set_rules(approval_above=1)
    _guests(2)
    author = cafe.manager.actor
    campaign = make_campaign(actor=author)
    from campaigns.errors import ApprovalNeeded

    with pytest.raises(ApprovalNeeded):
        services.send_campaign(actor=author, campaign_id=campaign.pk)
    services.submit_campaign(actor=author, campaign_id=campaign.pk)
    with pytest.raises(WrongCampaignState) as refused:
        services.pause_campaign(actor=author, campaign_id=campaign.pk)
    assert refused.value.details["possible"] == ["approve", "reject", "withdraw", "cancel", "test"]
    with pytest.raises(OwnApproval):
        services.approve_campaign(actor=author, campaign_id=campaign.pk)
    services.approve_campaign(actor=cafe.owner.actor, campaign_id=campaign.pk)
    campaign = send_now(campaign)
    assert Message.objects.filter(group_id=campaign.pk).count() == 2
    with pytest.raises(CampaignAlreadySent):
        services.send_campaign(actor=author, campaign_id=campaign.pk)
    own = make_campaign(actor=Actor("user", "o", cafe.owner.pk, "owner"))
    services.submit_campaign(actor=cafe.owner.actor, campaign_id=own.pk)
    assert services.approve_campaign(actor=cafe.owner.actor, campaign_id=own.pk).approved_at
    services.update_campaign(actor=author, campaign_id=own.pk, changes={"name": "دیگر"})
    own.refresh_from_db()
    assert own.approved_at is None


def test_a_missing_value_leaves_the_guest_out_with_the_reason(cafe, wire):
    set_rules()
    came = make_customer(summary={"last_visit_at": timezone.now(), "total_visits": 1, "last_visit_number": 1})
    make_customer()
    campaign = send_now(make_campaign(content="{{last_visit_days}} روز"))
    assert list(campaign.deliveries.filter(state="queued").values_list("customer_id", flat=True)) == [came.pk]
    assert campaign.deliveries.get(state="skipped").reason == "no_value"


def test_an_offer_has_a_code_and_no_messages(cafe):
    set_rules()
    make_customer()
    values = {"code": "YALDA20", "kind": "percent", "value": 20}
    campaign = make_campaign(type="offer", content="", new_code=values)
    assert DiscountCode.objects.get(code="YALDA20").campaign_id == campaign.pk
    campaign = services.send_campaign(actor=ACTOR, campaign_id=campaign.pk)
    assert (campaign.status, campaign.recipients, Message.objects.count()) == ("sent", 1, 0)
    assert "cancel" in services.possible_actions(campaign), "an offer can end before its last day"
    ended = services.cancel_campaign(actor=ACTOR, campaign_id=campaign.pk)
    assert (ended.status, services.possible_actions(ended)) == ("cancelled", [])
