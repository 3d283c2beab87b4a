"""When and how much the café writes to its guests: the quiet window, the caps, the rate of advertising."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import SendingRules

EDITABLE = (
    "quiet_from", "quiet_to", "cap_messages", "cap_days", "rate_per_minute", "approval_above", "adds_opt_out_line",
    "attribution_days",
)  # fmt: skip


def get_rules() -> SendingRules:
    """The café's rules; the defaults, unsaved, while it has not changed any."""
    return SendingRules.objects.first() or SendingRules()


def update_rules(*, actor: Actor, changes: Mapping[str, Any]) -> SendingRules:
    """Change some of ``EDITABLE``. Times are the café's clock; counts are positive, or None for "no limit".

    Raises ValidationError for an unknown name or a value that makes no sense.
    """
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise ValidationError({name: [_("There is no such rule.")] for name in sorted(unknown)})
    with write(actor):
        rules = SendingRules.objects.select_for_update().first() or SendingRules()
        for name, value in changes.items():
            setattr(rules, name, value)
        _check(rules)
        rules.save()
    return rules


def is_quiet(now: datetime | None = None, rules: SendingRules | None = None) -> bool:
    """Whether ``now`` (aware; the present by default) lies in the window in which no advertising leaves."""
    rules = rules or get_rules()
    clock = (now or timezone.now()).astimezone(get_locale().tz).time()
    begin, end = rules.quiet_from, rules.quiet_to
    if begin < end:
        return begin <= clock < end
    return begin != end and (clock >= begin or clock < end)  # over midnight; equal ends mean no quiet time


def quiet_until(now: datetime | None = None, rules: SendingRules | None = None) -> datetime | None:
    """When advertising may leave again (aware, the café's zone); None outside the quiet window."""
    rules = rules or get_rules()
    moment = now or timezone.now()
    if not is_quiet(moment, rules):
        return None
    zone = get_locale().tz
    local = moment.astimezone(zone)
    day = local.date() if local.time() < rules.quiet_to else local.date() + timedelta(days=1)
    return datetime.combine(day, rules.quiet_to, tzinfo=zone)


def _check(rules: SendingRules) -> None:
    rules.full_clean(validate_constraints=False, exclude=["id", "singleton"])
    errors: dict[str, list[str]] = {}
    for name in ("cap_days", "attribution_days"):
        if not 1 <= getattr(rules, name) <= 90:
            errors[name] = [_("Between 1 and 90 days.")]
    for name in ("cap_messages", "rate_per_minute", "approval_above"):
        if getattr(rules, name) == 0:
            errors[name] = [_("At least 1, or empty for no limit.")]
    if errors:
        raise ValidationError(errors)
