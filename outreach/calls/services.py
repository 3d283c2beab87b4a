"""Every write of the call list.

Locks: guest (held against merging), then the task. One task per guest and type is open at a time, whoever asks for
it; the database says so, and who comes second gets the one there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers.errors import CustomerBlocked
from customers.models import Customer
from customers.services.attach import hold_guest
from outreach.calls.errors import CallTaskEnded, CallTaskSettled
from outreach.calls.selectors import get_visible_task
from outreach.models import CallTask, Interaction
from outreach.services import log_interaction
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale

# A wrong tap is noticed at once; what happened longer ago is history.
UNDO_WITHIN = timedelta(minutes=15)
# How often to look again when the open task that was in the way ends at this very moment.
TRIES = 3
MAX_TEXT = 4_000

Status, Outcome = CallTask.Status, CallTask.Outcome

# What the timeline calls it. A busy line and a wrong number reached nobody.
_CONTACT_OUTCOMES = {
    Outcome.SUCCESSFUL: Interaction.Outcome.SUCCESSFUL,
    Outcome.NO_ANSWER: Interaction.Outcome.NO_ANSWER,
    Outcome.BUSY: Interaction.Outcome.NO_ANSWER,
    Outcome.WRONG_NUMBER: Interaction.Outcome.NO_ANSWER,
    Outcome.FOLLOW_UP_NEEDED: Interaction.Outcome.FOLLOW_UP_NEEDED,
    Outcome.NOT_INTERESTED: Interaction.Outcome.NOT_INTERESTED,
}


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to be made. ``source_reference`` ("" for none): what it comes from; of one source there is one task."""

    customer_id: UUID
    type: str
    task_date: date
    priority: str = CallTask.Priority.WARM
    hint: str = ""
    agent_id: UUID | None = None
    source_reference: str = ""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended, as somebody reports it.

    Args:
        status: "completed", "skipped", or "pending" to write a note only.
        outcome: a code of ``CallTask.Outcome``; with "completed" alone, and then needed.
        detail: what came of it in a few words, such as "placed an order".
        note: None leaves the note as it is.
        follow_up_date: a new call is put on the list for that day; today or later.
    """

    status: str
    outcome: str = ""
    detail: str = ""
    note: str | None = None
    follow_up_date: date | None = None


def add_call(*, actor: Actor, call: NewCall) -> tuple[CallTask, bool]:
    """Put a call on the list; returns the task, and whether it is new.

    While a call of this type to this guest is open, or once there is one from the same source, nothing changes and
    that one is returned: also when several ask at the same moment.

    Raises:
        CustomerNotFound, CustomerBlocked, ValidationError.
    """
    with write(actor):
        guest = hold_guest(call.customer_id)
        if Customer.objects.filter(pk=guest, status=Customer.Status.BLOCKED).exists():
            raise CustomerBlocked(details={"customer_id": str(guest)})
        task = CallTask(
            customer_id=guest, type=call.type, task_date=call.task_date, priority=call.priority,
            hint=call.hint.strip()[:MAX_TEXT], agent_id=call.agent_id, source_reference=call.source_reference,
        )  # fmt: skip
        task.full_clean(exclude=["customer"], validate_unique=False, validate_constraints=False)
        for _try in range(TRIES):
            CallTask.objects.bulk_create([task], ignore_conflicts=True)
            if CallTask.objects.filter(pk=task.pk).exists():
                return task, True
            if found := _in_the_way(task):
                return found, False
    raise EditConflict(details={"customer_id": str(call.customer_id)})


def _in_the_way(task: CallTask) -> CallTask | None:
    same = Q(customer_id=task.customer_id, type=task.type, status=Status.PENDING)
    if task.source_reference:
        same |= Q(source_reference=task.source_reference)
    return CallTask.objects.filter(same).order_by("created_at", "pk").first()


def end_call(*, actor: Actor, task_id: UUID, end: CallEnd) -> CallTask:
    """Note how a call ended: on the task, and with the same commit on the guest's timeline.

    A call that nobody answers for yet becomes the actor's. The same end by the same person again changes nothing, so a
    request may be repeated.

    Raises:
        NotFound: there is no such task, or it is a colleague's.
        CallTaskEnded: it has another end already.
        CustomerNotFound: the guest was deleted. ValidationError.
    """
    _check(end)
    with write(actor):
        task = _locked(actor, task_id)
        if task.status != Status.PENDING:
            if _is_the_same(task, end, actor):
                return task
            raise CallTaskEnded(details={"status": task.status, "outcome": task.outcome})
        if end.note is not None:
            task.note = end.note.strip()
        if end.status != Status.PENDING:
            _close(task, end, actor)
        task.save()
        if task.follow_up_date is not None:
            _call_again(task, actor)
    return task


def _check(end: CallEnd) -> None:
    problems: dict[str, list[str]] = {}
    if end.status not in Status.values:
        problems["status"] = [_("Choose from: %(values)s.") % {"values": ", ".join(Status.values)}]
    elif end.status == Status.COMPLETED and end.outcome not in Outcome.values:
        problems["outcome"] = [_("Choose from: %(values)s.") % {"values": ", ".join(Outcome.values)}]
    elif end.status != Status.COMPLETED and (end.outcome or end.detail):
        problems["outcome"] = [_("Only a call that was made has an outcome.")]
    if end.status == Status.PENDING and end.follow_up_date is not None:
        problems["follow_up_date"] = [_("This call is still to be made.")]
    elif end.follow_up_date is not None and end.follow_up_date < local_date(timezone.now()):
        problems["follow_up_date"] = [_("The next call cannot be before today.")]
    for name, text, most in (("outcome", end.detail, 200), ("notes", end.note or "", MAX_TEXT)):
        if len(text) > most or "\x00" in text:
            problems[name] = [_("This text is too long.")]
    if problems:
        raise ValidationError(problems)


def _locked(actor: Actor, task_id: UUID) -> CallTask:
    """Return the task with its guest held and itself locked."""
    seen = get_visible_task(_user(actor), task_id)
    guest = hold_guest(seen.customer_id)
    task = CallTask.objects.select_for_update().get(pk=task_id)
    if task.customer_id != guest:  # a merge was taken back between the two
        raise EditConflict(details={"call_task_id": str(task_id)})
    return task


def _user(actor: Actor) -> User | None:
    return User.objects.filter(pk=actor.user_id).first() if actor.user_id else None


def _is_the_same(task: CallTask, end: CallEnd, actor: Actor) -> bool:
    return (task.status, task.outcome, task.completed_by_id) == (end.status, end.outcome, actor.user_id)


def _close(task: CallTask, end: CallEnd, actor: Actor) -> None:
    task.status, task.outcome, task.outcome_detail = end.status, end.outcome, end.detail.strip()
    task.completed_at, task.completed_by_id = timezone.now(), actor.user_id
    task.agent_id = task.agent_id or actor.user_id
    task.follow_up_date = end.follow_up_date
    if end.status == Status.COMPLETED:
        task.interaction = log_interaction(
            actor=actor,
            customer_id=task.customer_id,
            type=Interaction.Type.CALL,
            direction=Interaction.Direction.OUTBOUND,
            subject=_in_words(task),
            details="\n".join(filter(None, [task.outcome_detail, task.note])),
            outcome=_CONTACT_OUTCOMES[Outcome(task.outcome)],
            follow_up_date=task.follow_up_date,
        )


def _in_words(task: CallTask) -> str:
    """Return what the timeline says of the call, in the café's language; the contact itself knows fewer outcomes."""
    with translation.override(get_locale().language):
        parts = [str(task.get_type_display())]
        if task.outcome in (Outcome.BUSY, Outcome.WRONG_NUMBER):
            parts.append(str(task.get_outcome_display()))
    return " – ".join(parts)


def _call_again(task: CallTask, actor: Actor) -> None:
    assert task.follow_up_date is not None
    again = NewCall(
        customer_id=task.customer_id,
        type=CallTask.Type.FOLLOW_UP,
        task_date=task.follow_up_date,
        priority=task.priority,
        hint=task.note or task.outcome_detail or task.hint,
        agent_id=task.agent_id,
        source_reference=again_reference(task.pk),
    )
    add_call(actor=actor, call=again)


def again_reference(task_id: UUID) -> str:
    """Return the source of the call that follows a call."""
    return f"call:{task_id}"


def reopen_call(*, actor: Actor, task_id: UUID, now: datetime | None = None) -> CallTask:
    """Take the end of a call back: the task is open again, its contact and the next call it made are gone.

    Whoever noted it may, and who manages outreach, for ``UNDO_WITHIN``. An open task stays as it is.

    Raises:
        NotFound, CustomerNotFound.
        CallTaskSettled: too late, somebody else's, or the next call was worked on already.
    """
    with write(actor):
        task = _locked(actor, task_id)
        if task.status == Status.PENDING:
            return task
        follow_up = (
            CallTask.objects.select_for_update().filter(source_reference=again_reference(task.pk)).first()
        )
        if not _may_reopen(task, follow_up, actor, now or timezone.now()):
            raise CallTaskSettled(details={"call_task_id": str(task_id)})
        if follow_up is not None:
            follow_up.delete()
        contact, task.interaction = task.interaction, None
        task.status, task.outcome, task.outcome_detail = Status.PENDING, "", ""
        task.completed_at = task.completed_by = task.follow_up_date = None
        task.save()
        if contact is not None:
            contact.delete()
    return task


def _may_reopen(task: CallTask, follow_up: CallTask | None, actor: Actor, now: datetime) -> bool:
    user = _user(actor)
    mine = task.completed_by_id == actor.user_id or (user is not None and can(user, P.OUTREACH_MANAGE))
    fresh = task.completed_at is not None and now - task.completed_at <= UNDO_WITHIN
    untouched = follow_up is None or follow_up.status == Status.PENDING
    others = CallTask.objects.filter(customer_id=task.customer_id, type=task.type, status=Status.PENDING)
    if follow_up is not None:
        others = others.exclude(pk=follow_up.pk)
    return mine and fresh and untouched and not others.exists()
