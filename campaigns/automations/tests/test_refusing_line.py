"""Advertising by itself says how to refuse it, as campaigns do; a broken automation keeps no other from its work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.automations import engine
from campaigns.automations.dry_run import dry_run
from campaigns.automations.tests.helpers import automation, only_mine, recorded, run_of
from campaigns.bulk_messages import size_of
from campaigns.models import Automation, AutomationRun
from campaigns.tests.helpers import set_rules
from customers.models import Customer
from customers.services.bulk import run_bulk
from feedback.tests.helpers import make_customer, make_visit
from servaan_crm.messaging.models import Message

LINE = "\nلغو۱۱"


@pytest.mark.parametrize(
    ("purpose", "text", "ending"),
    [
        ("marketing", "{{name}}، منتظرتان هستیم", LINE),
        ("marketing", "{{name}}، منتظرتان هستیم. لغو۱۱", ""),
        ("transactional", "{{name}}، سپاس", ""),
    ],
)
def test_advertising_says_how_to_refuse_it(cafe: Any, purpose: str, text: str, ending: str) -> None:
    one = automation(purpose=purpose, template=text)
    only_mine(one)
    visit = make_visit(make_customer("سارا"))
    assert [example.text for example in dry_run(one).sample] == [text.replace("{{name}}", "سارا") + ending]
    engine.hear("visit.recorded", recorded(visit))
    assert Message.objects.get().body == text.replace("{{name}}", "سارا") + ending


def test_a_cafe_that_wants_no_line_has_none(cafe: Any) -> None:
    set_rules(adds_opt_out_line=False)
    one = automation(purpose="marketing", template="سلام")
    only_mine(one)
    engine.hear("visit.recorded", recorded(make_visit(make_customer())))
    assert Message.objects.get().body == "سلام"


def test_elsewhere_nobody_writes_that_line(indian_cafe: Any) -> None:
    from django_tenants.utils import tenant_context

    from servaan_crm.l10n.locale import use_locale

    with tenant_context(indian_cafe.cafe), use_locale(indian_cafe.cafe.locale):
        one = automation(purpose="marketing", template="Hello")
        only_mine(one)
        engine.hear("visit.recorded", recorded(make_visit(make_customer(phone="+919876543210"))))
        assert Message.objects.get().body == "Hello"


def test_a_text_to_chosen_guests_says_it_too_and_is_weighed_with_it(cafe: Any) -> None:
    text = "س" * 66
    make_customer(), make_customer()
    size = size_of(text, Customer.objects.all())
    assert (size.total, size.example) == (4, text + LINE)
    everybody = Customer.objects.all()
    run_bulk(actor=cafe.owner.actor, action="message", params={"text": text}, matches=everybody)
    assert set(Message.objects.values_list("body", "parts")) == {(text + LINE, 2)}


def test_one_that_cannot_work_keeps_no_other_from_it(cafe: Any) -> None:
    broken, sound = automation(template="{{name}}"), automation(template="{{name}} سلام")
    only_mine(broken, sound)
    # As an older version may have left it: a variable nobody knows any more.
    Automation.objects.filter(pk=broken.pk).update(template="{{nobody_knows}}")
    guest = make_customer("سارا")
    assert engine.hear("visit.recorded", recorded(make_visit(guest))) == 2
    runs = AutomationRun.objects.filter(customer=guest)
    waits = runs.get(automation=broken)
    assert (waits.state, waits.attempts, Message.objects.get().body) == ("waiting", 1, "سارا سلام")
    assert "nobody_knows" in waits.results["error"]
    for _try in range(4):
        runs.filter(state="waiting").update(due_at=waits.created_at)
        engine.work_off()
    waits.refresh_from_db()
    assert (waits.state, waits.reason, Message.objects.count()) == ("failed", "error", 1)


def test_one_that_cannot_read_the_calendar_keeps_no_other_from_it(cafe: Any) -> None:
    broken = automation("absent", trigger_options={"own_rhythm": False, "days": 30})
    sound = automation("absent", trigger_options={"own_rhythm": False, "days": 30})
    only_mine(broken, sound)
    Automation.objects.filter(pk=broken.pk).update(trigger_options={"days": "thirty"})
    guest = make_customer(summary=been(30))
    assert engine.scan() == 1
    assert run_of(guest).automation_id == sound.pk


def been(days: int) -> dict[str, Any]:
    """The summary of a guest who was here once, so many days ago."""
    then = timezone.now() - timedelta(days=days)
    return {"total_visits": 1, "last_visit_number": 1, "first_visit_at": then, "last_visit_at": then}
