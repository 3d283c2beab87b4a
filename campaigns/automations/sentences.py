"""An automation as one sentence.

«وقتی مهمان وارد بخش «در خطر ریزش» شد، ۲ ساعت بعد، این پیام را بفرست و ۵۰ امتیاز بده»
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.automations.actions import get_action
from campaigns.automations.triggers import get_trigger
from campaigns.models import Automation
from segments.models import Segment
from segments.sentences import Said
from segments.sentences import say as say_criteria
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.money import format_number

MINUTES_OF_HOUR, MINUTES_OF_DAY = 60, 24 * 60


def say(automation: Automation, names: Mapping[str, str] | None = None) -> str:
    """Return the automation in one sentence. ``names``: segment key → name, read here when left out."""
    parts = [get_trigger(automation.trigger).say(automation), *_when(automation)]
    if automation.condition:
        names = names if names is not None else dict(Segment.objects.values_list("key", "name"))
        parts.append(_("if %(condition)s") % {"condition": flat(say_criteria(automation.condition, names))})
    parts.append(_what(automation))
    return _(", ").join(parts)


def _when(automation: Automation) -> list[str]:
    parts = []
    if automation.wait_minutes:
        parts.append(_("%(wait)s later") % {"wait": wait_words(automation.wait_minutes)})
    if automation.at_time is not None:
        parts.append(_("at %(time)s") % {"time": localize(automation.at_time.strftime("%H:%M"))})
    return parts


def wait_words(minutes: int) -> str:
    """Return a wait in the largest whole unit."""
    if minutes % MINUTES_OF_DAY == 0:
        days = minutes // MINUTES_OF_DAY
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": format_number(days)}
    if minutes % MINUTES_OF_HOUR == 0:
        hours = minutes // MINUTES_OF_HOUR
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": format_number(hours)}
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": format_number(minutes)}


def flat(said: Said) -> str:
    """Return criteria on one line."""
    parts = [f"({item.words}: {flat(item)})" if isinstance(item, Said) else item for item in said.items]
    return _(" and ").join(parts)


def _what(automation: Automation) -> str:
    parts = [_("send this message")] if automation.template.strip() else []
    for params in automation.actions:
        action = get_action(str(params.get("type")))
        if action is not None:
            parts.append(action.say(params))
    if len(parts) < 2:
        return "".join(parts)
    return _(" and ").join([_(", ").join(parts[:-1]), parts[-1]])
