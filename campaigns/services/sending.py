"""Decisions about a campaign: who lets it go, when, and what stops it. One table (``states``) says what is possible."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.errors import (
    ApprovalNeeded,
    CampaignNotFound,
    NoAccount,
    NobodyToSendTo,
    NothingToRetry,
    OwnApproval,
)
from campaigns.models import Campaign, CampaignDelivery, CampaignType
from campaigns.selectors.preview import Funnel, count_recipients
from campaigns.selectors.statistics import retryable_messages
from campaigns.services.states import S, lock_campaign, require, save
from campaigns.texts import CAMPAIGN, check_template
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.models import AuditEntry
from servaan_crm.core.tasks import enqueue
from servaan_crm.l10n.jalali import local_date
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import clear_problem, hold_group, resume_group, revive_paused
from servaan_crm.messaging.services.accounts import list_accounts
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.tenancy.current import get_locale

# Whoever changed one of these has written the campaign.
WRITTEN = ["content", "subject", "criteria", "link_url", "discount_code_id"]


def submit_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Ask for approval: draft → pending_approval. Raises WrongCampaignState, EditConflict, ValidationError."""
    with write(actor):
        campaign = lock_campaign(campaign_id, "submit", version)
        check_complete(campaign)
        campaign.status, campaign.submitted_at, campaign.review_note = S.PENDING, timezone.now(), ""
        save(campaign, "status", "submitted_at", "review_note")
    return campaign


def approve_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Approve: with a time in the future it is scheduled, else it is an approved draft that anybody may send.

    Raises OwnApproval (who wrote it approves, and is not the owner), WrongCampaignState, EditConflict.
    """
    with write(actor):
        campaign = lock_campaign(campaign_id, "approve", version)
        if actor.role != "owner" and has_written(campaign, actor.user_id):
            raise OwnApproval(details={"campaign_id": str(campaign.pk)})
        campaign.approved_by_id, campaign.approved_at = actor.user_id, timezone.now()
        is_timed = campaign.scheduled_at is not None and campaign.scheduled_at > campaign.approved_at
        campaign.status, campaign.problem = (S.SCHEDULED if is_timed else S.DRAFT), ""
        save(campaign, "status", "approved_by", "approved_at", "problem")
    return campaign


def has_written(campaign: Campaign, user_id: UUID | None) -> bool:
    """Say whether the campaign, or a part of what it says and to whom, is this person's; at most one query."""
    if user_id is None:
        return False
    if campaign.created_by_id == user_id:
        return True
    trail = AuditEntry.objects.filter(table_name=Campaign._meta.db_table, row_id=str(campaign.pk))
    return trail.filter(actor_id=str(user_id), new__has_any_keys=WRITTEN).exists()


def reject_campaign(*, actor: Actor, campaign_id: UUID, reason: str, version: int | None = None) -> Campaign:
    """Send it back to its author: pending_approval → draft; ``reason`` is kept in ``review_note``.

    An approval it had before is void: what was refused must not be sent without another one.
    """
    if not reason.strip():
        raise ValidationError({"reason": [_("Say why.")]})
    with write(actor):
        campaign = lock_campaign(campaign_id, "reject", version)
        campaign.status, campaign.review_note, campaign.problem = S.DRAFT, reason.strip()[:300], ""
        campaign.approved_by_id, campaign.approved_at = None, None
        save(campaign, "status", "review_note", "problem", "approved_by", "approved_at")
    return campaign


def withdraw_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Take a campaign that waits (for approval or its time) back to draft, to change it."""
    with write(actor):
        campaign = lock_campaign(campaign_id, "withdraw", version)
        campaign.status, campaign.problem = S.DRAFT, ""
        save(campaign, "status", "problem")
    return campaign


def schedule_campaign(
    *, actor: Actor, campaign_id: UUID, at: datetime | None = None, version: int | None = None
) -> Campaign:
    """Let it go at ``at`` (aware; default: its own ``scheduled_at``). Again: at another time.

    Raises ValidationError (no time, or past), ApprovalNeeded, NoAccount, WrongCampaignState, EditConflict.
    """
    seen, _funnel = _look(campaign_id, "schedule")
    at = at or seen.scheduled_at
    if at is None or at <= timezone.now():
        raise ValidationError({"scheduled_date": [_("Give a time in the future.")]})
    with write(actor):
        campaign = _lock_as_seen(seen, "schedule", version)
        campaign.status, campaign.scheduled_at, campaign.problem = S.SCHEDULED, at, ""
        campaign.sent_by_id = actor.user_id
        save(campaign, "status", "scheduled_at", "problem", "sent_by")
    return campaign


def send_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Let it go now: → sending. The audience is fixed by a worker within moments. An offer is out at once.

    Raises CampaignAlreadySent, ApprovalNeeded, NobodyToSendTo, NoAccount, ValidationError, EditConflict.
    """
    seen, funnel = _look(campaign_id, "send")
    if funnel.recipients == 0 and not funnel.is_estimate:
        raise NobodyToSendTo(details={"funnel": funnel.as_json()})
    with write(actor):
        campaign = _lock_as_seen(seen, "send", version)
        campaign.sent_by_id = actor.user_id
        save(campaign, "sent_by")
        start(campaign, funnel)
    return campaign


def start(campaign: Campaign, funnel: Funnel | None = None) -> None:
    """Put a locked campaign under way, and wake a worker. An offer has nothing to send: it is out at once."""
    now = timezone.now()
    campaign.started_at, campaign.problem = now, ""
    if campaign.has_messages:
        campaign.status = S.SENDING
    else:
        campaign.status, campaign.sent_at, campaign.built_at = S.SENT, now, now
        if funnel is not None:
            campaign.funnel, campaign.recipients = funnel.as_json(), funnel.recipients
    save(campaign, "status", "started_at", "sent_at", "built_at", "problem", "funnel", "recipients")
    wake(campaign)


def wake(campaign: Campaign) -> None:
    """Let a worker look at the campaign after commit; the sweep would find it too."""
    from campaigns.tasks import run_campaign  # tasks adapt services, so they import us

    enqueue(run_campaign, str(campaign.pk))


def _look(campaign_id: UUID, action: str) -> tuple[Campaign, Funnel]:
    """Check what needs no lock and takes its time: the text, the account, the number of recipients."""
    campaign = Campaign.objects.select_related("discount_code").filter(pk=campaign_id).first()
    if campaign is None:
        raise CampaignNotFound(details={"campaign_id": str(campaign_id)})
    require(campaign, action)
    check_complete(campaign)
    check_account(campaign)
    funnel = count_recipients(campaign)
    limit = get_rules().approval_above
    if limit is not None and funnel.recipients > limit and campaign.approved_at is None:
        raise ApprovalNeeded(details={"recipients": funnel.recipients, "approval_above": limit})
    return campaign, funnel


def _lock_as_seen(seen: Campaign, action: str, version: int | None) -> Campaign:
    campaign = lock_campaign(seen.pk, action, version)
    if campaign.version != seen.version:  # what was checked a moment ago is not what would be sent
        raise EditConflict(details={"version": campaign.version, "expected_version": seen.version})
    return campaign


def check_account(campaign: Campaign) -> None:
    """Raise NoAccount when nothing could send the campaign's messages."""
    if campaign.has_messages and not list_accounts(campaign.type):
        raise NoAccount(details={"channel": campaign.type})


def check_complete(campaign: Campaign) -> None:
    """Raise ValidationError unless everything is there that the messages need."""
    errors: dict[str, list[str]] = {}
    if campaign.has_messages:
        texts = [campaign.content, *campaign.variants.values_list("content", flat=True)]
        if not all(text.strip() for text in texts):
            errors["content"] = [_("Write the text of the message.")]
        if campaign.type == CampaignType.EMAIL and not campaign.subject.strip():
            errors["subject"] = [_("An e-mail needs a subject.")]
        used = {name for text in texts for name in check_template(text, CAMPAIGN)}
        if "link" in used and not campaign.link_url:
            errors["link_url"] = [_("The text has {{link}}: say where it leads.")]
        if "code" in used and campaign.discount_code_id is None:
            errors["discount_code"] = [_("The text has {{code}}: choose a discount code.")]
        _check_trial(campaign, len(texts) > 1, used, errors)
    elif campaign.ends_on and campaign.ends_on < local_date(timezone.now(), get_locale()):
        errors["ends_on"] = [_("The offer is over already.")]
    if errors:
        raise ValidationError(errors)


def _check_trial(campaign: Campaign, has_trial: bool, used: set[str], errors: dict[str, list[str]]) -> None:
    if not has_trial or campaign.test_percent >= 100:
        return
    metric = campaign.test_metric
    if metric == Campaign.Metric.CLICKS and "link" not in used:
        errors["test_metric"] = [_("Clicks can be counted only when the texts have {{link}}.")]
    if metric == Campaign.Metric.REDEMPTIONS and campaign.discount_code_id is None:
        errors["test_metric"] = [_("Uses can be counted only with a discount code.")]


def pause_campaign(
    *, actor: Actor, campaign_id: UUID, version: int | None = None, problem: str = ""
) -> Campaign:
    """Stop it before the next batch: sending → paused. ``problem``: why it stops by itself (low_credit, auth)."""
    with write(actor):
        campaign = lock_campaign(campaign_id, "pause", version)
        campaign.status, campaign.problem = S.PAUSED, problem
        save(campaign, "status", "problem")
        hold_group(campaign.pk)
    return campaign


def resume_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Go on: paused → sending. A problem it stopped for (credit, key) counts as repaired, and is found again if not.

    Messages that waited are valid for as long again; those that ended because of the pause wait again.

    Raises NoAccount, WrongCampaignState, EditConflict.
    """
    with write(actor):
        campaign = lock_campaign(campaign_id, "resume", version)
        check_account(campaign)
        if campaign.problem:
            for account in list_accounts(campaign.type):
                clear_problem(account.key)
        campaign.status, campaign.problem = S.SENDING, ""
        save(campaign, "status", "problem")
        waiting = Message.objects.filter(group_id=campaign.pk, state=Message.State.QUEUED)
        until = timezone.now() + timedelta(hours=campaign.valid_hours)
        waiting.filter(expires_at__lt=until).update(expires_at=until, updated_at=timezone.now())
        # A delivery that was tried again has a newer message: the older one must not come back beside it.
        present = campaign.deliveries.filter(state=CampaignDelivery.State.QUEUED).values("message_id")
        revive_paused(present, valid_until=until)
        resume_group(campaign.pk)
        wake(campaign)
    return campaign


def cancel_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """End it: nothing that still waits is sent. What is on the wire, or was sent, stays sent.

    The hold stops the outbox at once, however much waits; a worker then writes down what was not sent.
    """
    with write(actor):
        campaign = lock_campaign(campaign_id, "cancel", version)
        was_under_way = campaign.started_at is not None
        campaign.status, campaign.completed_at, campaign.problem = S.CANCELLED, timezone.now(), ""
        save(campaign, "status", "completed_at", "problem")
        if was_under_way:
            hold_group(campaign.pk)
            wake(campaign)
    return campaign


def retry_failed(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> int:
    """Send to those again whose message surely never left and another try can repair; returns how many.

    A delivery gets another message; nobody who was, or may have been, written to is among them.

    Raises NothingToRetry, WrongCampaignState, EditConflict.
    """
    with write(actor):
        campaign = lock_campaign(campaign_id, "retry", version)
        check_account(campaign)
        failed = campaign.deliveries.filter(
            state=CampaignDelivery.State.QUEUED, message_id__in=retryable_messages(campaign.pk)
        )
        keys = list(failed.select_for_update().values_list("pk", "attempt"))
        if not keys:
            raise NothingToRetry(details={"campaign_id": str(campaign.pk)})
        for attempt in {attempt for _pk, attempt in keys}:
            rows = campaign.deliveries.filter(pk__in=[pk for pk, tried in keys if tried == attempt])
            rows.update(state=CampaignDelivery.State.WAITING, attempt=attempt + 1)
        campaign.status, campaign.sent_at, campaign.completed_at = S.SENDING, None, None
        save(campaign, "status", "sent_at", "completed_at")
        wake(campaign)
    return len(keys)
