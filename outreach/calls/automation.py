"""What an automation can ask of people: to call the guest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.automations.actions import Deed, register_action
from campaigns.automations.triggers import isolated
from feedback.models import Feedback
from outreach.calls.services import NewCall, add_call
from outreach.models import CallTask
from servaan_crm.core.features import is_enabled, require_feature
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_number

MAX_DAYS, MAX_HINT, QUOTED = 60, 500, 200


class CallTaskAction:
    """A call on the list of the staff. It needs no consent: nothing is sent, a person decides."""

    kind: ClassVar[str] = "call_task"
    label: ClassVar[str | Promise] = gettext_lazy("Let somebody call the guest")
    variables: ClassVar[tuple[str, ...]] = ()
    #: Its part of the editor's form.
    form_template: ClassVar[str] = "outreach/_call_gift.html"

    def clean(self, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        problems: dict[str, list[str]] = {}
        known = ("priority", "days", "hint")
        for name in params.keys() - {*known, "type"}:
            words = _("Unknown field. There are: %(known)s") % {"known": ", ".join(known)}
            problems[str(name)] = [words]
        priority, days, hint = params.get("priority"), params.get("days", 0), params.get("hint", "")
        if priority not in CallTask.Priority.values:
            legal = {"values": ", ".join(CallTask.Priority.values)}
            problems["priority"] = [_("Choose from: %(values)s.") % legal]
        if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= MAX_DAYS:
            bounds = {"least": format_number(0), "most": format_number(MAX_DAYS)}
            problems["days"] = [_("Give a whole number from %(least)s to %(most)s.") % bounds]
        if not isinstance(hint, str) or len(hint.strip()) > MAX_HINT or "\x00" in hint:
            limit = {"most": format_number(MAX_HINT)}
            problems["hint"] = [_("Give a text of at most %(most)s letters.") % limit]
        if problems:
            raise ValidationError(problems)
        return {"priority": priority, "days": days, "hint": hint.strip()}

    def perform(self, params: Mapping[str, Any], deed: Deed) -> None:
        """Put the call on the list; one that is open already stays as it is. Raises FeatureDisabled."""
        require_feature("outreach")
        call = NewCall(
            customer_id=deed.customer_id,
            type=CallTask.Type.AUTOMATION,
            task_date=local_date(timezone.now()) + timedelta(days=params["days"]),
            priority=params["priority"],
            hint=_why(params, deed),
            source_reference=f"automation:{deed.run_id}",
        )
        task, is_new = add_call(actor=deed.actor, call=call)
        deed.results["call_task"] = {
            "task_id": str(task.pk),
            "task_date": str(task.task_date),
            "was_open": not is_new,
        }

    def say(self, params: Mapping[str, Any]) -> str:
        call = {
            "hot": _("an urgent call"),
            "warm": _("a call"),
            "cold": _("a call without hurry"),
        }[params["priority"]]
        words = _("put %(call)s on the call list for %(day)s") % {"call": call, "day": _day(params["days"])}
        return f"{words} ({isolated(params['hint'])})" if params["hint"] else words

    def example(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {}

    def read_form(self, post: Mapping[str, str]) -> dict[str, Any]:
        """Return what was posted as parameters; what cannot be read is handed on for :meth:`clean` to refuse."""
        plain = to_ascii(post.get("call_days", "")).strip()
        days = int(plain) if plain.isdigit() and len(plain) < 6 else plain or 0
        return {"priority": post.get("call_priority", ""), "days": days, "hint": post.get("call_hint", "")}

    def show(self, params: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return what the form shows; None leaves the part out, where the café makes no calls."""
        if params is None and not is_enabled("outreach"):
            return None
        given = params or {}
        return {
            "is_on": params is not None,
            "priority": given.get("priority") or "warm",
            "priorities": CallTask.Priority.choices,
            "days": localize(given.get("days") or ""),
            "hint": given.get("hint", ""),
        }


def _day(days: int) -> str:
    if days == 0:
        return _("the same day")
    if days == 1:
        return _("the next day")
    return ngettext("%(n)s day later", "%(n)s days later", days) % {"n": format_number(days)}


def _why(params: Mapping[str, Any], deed: Deed) -> str:
    """Return what whoever calls should know, in the café's language: the note, or the automation, and a low rating."""
    lines = [params["hint"] or deed.automation.name]
    if deed.facts.get("feedback_id"):
        said = Feedback.objects.filter(pk=deed.facts["feedback_id"]).values_list("rating", "comment").first()
        if said:
            with translation.override(get_locale().language):
                lines.append(_("Rated %(rating)s of 5") % {"rating": format_number(said[0])})
            if said[1]:
                lines.append(f"«{said[1][:QUOTED].strip()}»")
    return "\n".join(lines)


def register() -> None:
    """Offer the call to automations."""
    register_action(CallTaskAction())
