"""Calls of the demonstration: some overdue, some of today, one that was made."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from customers.models import Customer
from outreach.calls.services import CallEnd, NewCall, add_call, end_call
from outreach.models import CallTask
from servaan_crm.accounts.models import User
from servaan_crm.core.actors import system
from servaan_crm.l10n.jalali import local_date
from servaan_crm.tenancy.current import get_cafe

ABSENT = timedelta(days=60)
# Type, priority, days from today, whether the agent has it already. The first one was made.
_CALLS = (
    ("follow_up", "warm", 0, True),
    ("automation", "hot", 0, False),
    ("at_risk", "hot", -2, True),
    ("birthday", "warm", 0, False),
    ("at_risk", "warm", -1, False),
    ("new_customer", "cold", 0, False),
    ("repeat_reminder", "cold", 3, True),
)
_WHY = {
    "fa": {
        "follow_up": "برای سفارش کیک تولد پنج‌شنبه قرار شد خبر بدهیم.",
        "automation": "پس از امتیاز پایین\nامتیاز ۱ از ۵\n«سفارش دیر رسید و قهوه سرد بود.»",
        "at_risk": "مدتی است نیامده است؛ از حالش بپرسید و منوی پاییزی را معرفی کنید.",
        "birthday": "تولدش را تبریک بگویید؛ یک دسر مهمان ماست.",
        "new_customer": "اولین بار آمده بود؛ بپرسید از قهوه راضی بود یا نه.",
        "repeat_reminder": "معمولاً آخر هفته‌ها می‌آید؛ دعوتش کنید.",
        "note": "گفت فردا عصر سر می‌زند.",
    },
    "en": {
        "follow_up": "We promised word on the birthday cake for Thursday.",
        "automation": "After a low rating\nRated 1 of 5\n“The order was late and the coffee cold.”",
        "at_risk": "Has not come for a while; ask how things are and tell of the autumn menu.",
        "birthday": "Wish a happy birthday; a dessert is on us.",
        "new_customer": "Came for the first time; ask how the coffee was.",
        "repeat_reminder": "Usually comes at weekends; invite them.",
        "note": "Will drop in tomorrow evening.",
    },
}


def tell_calls() -> None:
    """Put calls on the list of a café that has guests."""
    language = get_cafe().language
    words = _WHY.get(language, _WHY["en"])
    today = local_date(timezone.now())
    agent = User.objects.filter(role="agent").first()
    made: list[CallTask] = []
    taken: set[UUID] = set()
    for kind, priority, days, is_given in _CALLS:
        guest = _guest_for(kind).exclude(pk__in=taken).first()
        if guest is not None:
            taken.add(guest.pk)
            call = NewCall(
                customer_id=guest.pk, type=kind, task_date=today + timedelta(days=days), priority=priority,
                hint=words[kind], agent_id=agent.pk if agent and is_given else None,
            )  # fmt: skip
            made.append(add_call(actor=system("demo"), call=call)[0])
    if made and agent:
        end = CallEnd(status="completed", outcome="successful", note=words["note"])
        end_call(actor=agent.actor, task_id=made[0].pk, end=end)


def _guest_for(kind: str) -> QuerySet[Customer]:
    """Return guests of whom the reason is true."""
    active = Customer.objects.filter(deleted_at=None, status=Customer.Status.ACTIVE)
    if kind == "new_customer":
        return active.filter(summary__total_visits=1).order_by("-summary__last_visit_at", "pk")
    if kind == "at_risk":
        lost = active.filter(summary__last_visit_at__lt=timezone.now() - ABSENT)
        return lost.order_by("-summary__total_visits", "pk")
    return active.order_by("-summary__total_visits", "pk")
