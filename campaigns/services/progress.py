"""What happens to a campaign by itself: it begins when it is due, is sent, is complete, or stops for a problem."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from django.db import OperationalError
from django.db.models import Max
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from campaigns.errors import NoAccount, WrongCampaignState
from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors.trial import Standing, trial_standings
from campaigns.services.sending import check_account, pause_campaign, start, wake
from campaigns.services.states import S, save
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.l10n.jalali import local_date
from servaan_crm.messaging.models import GatewayState, Message, MessageHold
from servaan_crm.messaging.services import cancel_group, hold_group, resume_group
from servaan_crm.messaging.services.accounts import list_accounts
from servaan_crm.tenancy.current import get_locale

log = logging.getLogger(__name__)
State = CampaignDelivery.State
# After so many hours no report is waited for any more.
FINAL_AFTER = timedelta(hours=72)
_ON_THE_WAY = (Message.State.QUEUED, Message.State.CLAIMED)
_NOT_FINAL = (*_ON_THE_WAY, Message.State.SENT, Message.State.UNKNOWN)
PROBLEMS = {"credit": "low_credit", "auth": "auth"}


def advance_all() -> list[UUID]:
    """Do what is due for all campaigns of the café; returns those that a worker has to go on with. The sweep."""
    each(_ids(status=S.SCHEDULED, scheduled_at__lte=timezone.now()), begin)
    stop_for_problems()
    each(_ids(status=S.SENT), complete)
    cancelled = MessageHold.objects.values("group_id")
    leftovers = Campaign.objects.filter(status=S.CANCELLED, pk__in=cancelled).values_list("pk", flat=True)
    return [*_ids(status=S.SENDING), *leftovers]


def each(campaign_ids: Iterable[UUID], work: Callable[[UUID], object]) -> None:
    """Do ``work`` for each; one that cannot be brought forward must not keep the others from it."""
    for campaign_id in campaign_ids:
        try:
            work(campaign_id)
        except OperationalError:
            raise  # the database, not the campaign
        except Exception:
            log.exception("campaign %s cannot go on", campaign_id)


def _ids(**conditions: object) -> list[UUID]:
    return list(Campaign.objects.filter(**conditions).order_by("created_at").values_list("pk", flat=True))


def follow_feature(*, is_on: bool) -> None:
    """Hold what is being sent while the café has campaigns switched off, and let it go on when they are on again."""
    sending = _ids(status=S.SENDING)
    held = set(MessageHold.objects.filter(group_id__in=sending).values_list("group_id", flat=True))
    for campaign_id in sending:
        if (campaign_id in held) != is_on:
            continue
        with write(system("campaigns")):
            # Under the lock, because somebody may be pausing it: that hold is not ours to end.
            if Campaign.objects.select_for_update().filter(pk=campaign_id, status=S.SENDING).exists():
                (resume_group if is_on else hold_group)(campaign_id)


def begin(campaign_id: UUID) -> None:
    """Start a scheduled campaign whose time has come.

    One that is found only after its messages would have been worthless does not go out (``failed``, "late"); one
    without a provider waits as a problem ("no_account") until somebody resumes it.
    """
    with write(system("campaigns")):
        rows = Campaign.objects.select_for_update()
        now = timezone.now()
        campaign = rows.filter(pk=campaign_id, status=S.SCHEDULED, scheduled_at__lte=now).first()
        if campaign is None or campaign.scheduled_at is None:
            return
        if now > campaign.scheduled_at + timedelta(hours=campaign.valid_hours):
            campaign.status, campaign.problem = S.FAILED, "late"
            save(campaign, "status", "problem")
            return
        start(campaign)
        try:
            check_account(campaign)
        except NoAccount:
            campaign.status, campaign.problem = S.PAUSED, "no_account"
            save(campaign, "status", "problem")


def stop_for_problems() -> int:
    """Pause what is being sent through accounts that all lack credit or a valid key; returns how many."""
    stopped = 0
    for campaign_id, channel in Campaign.objects.filter(status=S.SENDING).values_list("pk", "type"):
        problem = _problem_of(channel)
        if not problem:
            continue
        try:
            pause_campaign(actor=system("campaigns"), campaign_id=campaign_id, problem=problem)
            stopped += 1
        except WrongCampaignState:  # somebody paused or cancelled it in this moment
            log.info("campaign %s stopped by somebody else", campaign_id)
    return stopped


def _problem_of(channel: str) -> str:
    keys = [account.key for account in list_accounts(channel)]
    if not keys:
        return "no_account"
    troubled = GatewayState.objects.filter(account__in=keys, problem_class__in=PROBLEMS)
    found = dict(troubled.values_list("account", "problem_class"))
    return PROBLEMS[found[keys[0]]] if len(found) == len(keys) else ""


def settle(campaign_id: UUID) -> None:
    """See whether a campaign is sent, its trial can be decided, or what was cancelled has to be written down."""
    with write(system("campaigns")):
        campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
        if campaign is None:
            return
        if campaign.status == S.CANCELLED:
            _write_down_cancelled(campaign)
            return
        if campaign.status != S.SENDING or campaign.built_at is None:
            return
        if campaign.deliveries.filter(state=State.WAITING).exists():
            if _decide_trial(campaign):
                wake(campaign)
            return
        if Message.objects.filter(group_id=campaign.pk, state__in=_ON_THE_WAY).exists():
            return
        campaign.status, campaign.sent_at = S.SENT, timezone.now()
        save(campaign, "status", "sent_at")
    complete(campaign_id)


def complete(campaign_id: UUID) -> bool:
    """End a campaign when every message is final, or three days have passed; an offer when its last day is over."""
    with write(system("campaigns")):
        campaign = Campaign.objects.select_for_update().filter(pk=campaign_id, status=S.SENT).first()
        if campaign is None or not _is_complete(campaign):
            return False
        campaign.status, campaign.completed_at = S.COMPLETED, timezone.now()
        save(campaign, "status", "completed_at")
    return True


def _is_complete(campaign: Campaign) -> bool:
    now = timezone.now()
    if not campaign.has_messages:
        return campaign.ends_on is not None and campaign.ends_on < local_date(now, get_locale())
    if campaign.sent_at is not None and campaign.sent_at < now - FINAL_AFTER:
        return True
    return not Message.objects.filter(group_id=campaign.pk, state__in=_NOT_FINAL).exists()


def _write_down_cancelled(campaign: Campaign) -> None:
    """Mark what was not sent. Rows a feeder has in hand are waited for, so that its messages are taken back too."""
    campaign.deliveries.filter(state=State.WAITING).update(state=State.SKIPPED, reason="cancelled")
    with translation.override(get_locale().language):
        reason = _("The campaign was cancelled.")
    cancel_group(campaign.pk, reason=reason, actor=system("campaigns"))
    under_way = (Message.State.CLAIMED, Message.State.UNKNOWN)
    if Message.objects.filter(group_id=campaign.pk, state__in=under_way).exists():
        # What is on the wire may come back to be tried again: it is held, and taken back by the next sweep.
        hold_group(campaign.pk)


def _decide_trial(campaign: Campaign) -> bool:
    """Choose the better text once the trial's hours are over; True when it was chosen now.

    The clock begins with the trial's last message, and only when none of them waits any more: a quiet night must not
    decide. Of equals the first (A) wins.
    """
    if campaign.winner or campaign.test_percent >= 100 or not campaign.variants.exists():
        return False
    messages = Message.objects.filter(group_id=campaign.pk)
    if campaign.deliveries.filter(state=State.WAITING).exclude(variant="").exists():
        return False
    if messages.filter(state__in=_ON_THE_WAY).exists():
        return False
    last = messages.aggregate(last=Max("sent_at"))["last"] or campaign.built_at
    if last is None or last + timedelta(hours=campaign.test_hours) > timezone.now():
        return False
    standings = trial_standings(campaign)
    campaign.winner = best_of(standings)
    campaign.funnel = {**campaign.funnel, "trial": {one.letter: one.as_json() for one in standings}}
    save(campaign, "winner", "funnel")
    return True


def best_of(standings: list[Standing]) -> str:
    """Return the letter with the highest rate; of equals the first."""
    return min(standings, key=lambda one: (-one.rate, one.letter)).letter
