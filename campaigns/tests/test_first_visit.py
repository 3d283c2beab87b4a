"""After the first visit: one message, or none and for the right reason."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from django_tenants.utils import tenant_context

from campaigns.automations.ready_made import FIRST_VISIT_THANKS, create_ready_made
from campaigns.automations.receivers import hear_visit as thank_for_first_visit
from campaigns.automations.services import update_automation
from campaigns.models import Automation
from feedback.tests.helpers import make_customer, make_visit, without_feature
from servaan_crm.core import events
from servaan_crm.core.models import Event
from servaan_crm.messaging.models import Message


def payload(visit, number=1, balance=250):
    return {
        "visit_id": str(visit.pk), "customer_id": str(visit.customer_id), "visit_number": number,
        "points_earned": balance, "balance_after": balance, "outlet_id": str(visit.outlet_id), "event_id": 1,
    }  # fmt: skip


def first_visit(**customer):
    return make_visit(make_customer("سارا احمدی", **customer))


def test_one_message_in_the_words_of_the_cafe(cafe):
    visit = first_visit()
    Event.objects.create(name="visit.recorded", payload=payload(visit))
    events.dispatch_pending()
    message = Message.objects.get()
    assert message.body == (
        f"سارا احمدی عزیز، از این‌که مهمان {cafe.cafe.name} بودید سپاسگزاریم. ۲۵۰ امتیاز در باشگاه مشتریان دارید."
    )
    assert (message.recipient, message.customer_id) == (visit.customer.phone, visit.customer_id)
    assert (message.kind, message.purpose) == ("first_visit_thanks", "transactional")
    assert message.dedupe_key == f"first-visit-thanks:{visit.customer_id}"


def test_the_same_event_again_sends_nothing_more(cafe):
    visit = first_visit()
    thank_for_first_visit(payload(visit))
    thank_for_first_visit(payload(visit))
    assert Message.objects.count() == 1


@pytest.mark.parametrize("customer", [
    {"status": "blocked"}, {"allow_marketing": False}, {"deleted_at": timezone.now()},
])  # fmt: skip
def test_nothing_for_a_guest_who_must_not_be_written_to(cafe, customer):
    thank_for_first_visit(payload(first_visit(**customer)))
    assert not Message.objects.exists()


def test_nothing_for_a_voided_or_later_or_vanished_visit(cafe):
    visit = first_visit()
    thank_for_first_visit(payload(visit, number=2))
    visit.voided_at = timezone.now()
    visit.save(update_fields=["voided_at"])
    thank_for_first_visit(payload(visit))
    thank_for_first_visit({**payload(visit), "visit_id": str(uuid.uuid4())})
    assert not Message.objects.exists()


def test_switched_off_by_the_owner_or_with_the_feature(cafe):
    automation = Automation.objects.get(key=FIRST_VISIT_THANKS)
    update_automation(actor=cafe.manager.actor, automation_id=automation.pk, changes={"is_active": False})
    thank_for_first_visit(payload(first_visit()))
    update_automation(actor=cafe.manager.actor, automation_id=automation.pk, changes={"is_active": True})
    with without_feature(cafe, "campaigns"):
        thank_for_first_visit(payload(first_visit()))
    assert not Message.objects.exists()


def test_a_text_without_its_value_is_not_sent_half(cafe):
    automation = Automation.objects.get(key=FIRST_VISIT_THANKS)
    automation.template = "{{points|صفر}} {{name}}"
    automation.save()
    visit = first_visit()
    visit.customer.name = " "
    visit.customer.save()
    thank_for_first_visit(payload(visit))
    assert not Message.objects.exists()


def test_an_unknown_variable_is_refused_at_save(cafe):
    automation = Automation.objects.get(key=FIRST_VISIT_THANKS)
    with pytest.raises(ValidationError) as caught:
        update_automation(
            actor=cafe.owner.actor, automation_id=automation.pk, changes={"template": "{{nmae}}"}
        )
    assert "nmae" in str(caught.value)
    automation.refresh_from_db()
    assert "nmae" not in automation.template


def test_each_new_cafe_has_it_in_its_language_and_keeps_its_own_text(cafe, indian_cafe):
    with tenant_context(indian_cafe.cafe):
        automation = Automation.objects.get(key=FIRST_VISIT_THANKS)
        assert automation.template.startswith("Dear {{name|guest}}")
        automation.template = "Hello {{name|there}}"
        automation.save()
        create_ready_made(indian_cafe.cafe)
        automation.refresh_from_db()
        assert automation.template == "Hello {{name|there}}"
