"""Who may be written to, and every way to say no."""

import re

import pytest
from django_tenants.utils import tenant_context

from customers.models import ConsentChange, Customer
from customers.opt_out import opt_out_token
from customers.selectors.consent import is_allowed, may_be_messaged, reachable
from customers.services import update_customer
from customers.services.consent import block_customer, set_consent
from customers.tests.factories import ACTOR, make_customer
from customers.tests.parts import PART, api_url, marketing, text
from servaan_crm.core.events import dispatch_pending
from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import queue_message, record_inbound
from servaan_crm.messaging.services.checks import refused_recipients

# consent


def test_one_definition_of_who_may_be_messaged(cafe):
    """The annotation, the single answer and the last question before sending agree in every state."""
    states = []
    for number, steps in enumerate(
        [
            [], [("all", False)], [("sms", False)], [("all", False), ("sms", True)], [("sms", False), ("all", True)],
            [("email", False)], ["flag"], ["flag", ("sms", True)], ["block"], ["flag", ("all", True)],
        ]
    ):  # fmt: skip
        customer = make_customer(number)
        for step in steps:
            if step == "flag":
                changes = {"allow_marketing": False}
                update_customer(actor=ACTOR, customer_id=customer.pk, expected_version=None, changes=changes)
            elif step == "block":
                block_customer(actor=ACTOR, customer_id=customer.pk, reason="بدحساب")
            else:
                set_consent(
                    actor=ACTOR, customer_id=customer.pk, channel=step[0], granted=step[1], source="staff"
                )
        customer.refresh_from_db()
        annotated = Customer.objects.annotate(may=may_be_messaged("sms")).get(pk=customer.pk).may
        sends = not refused_recipients([marketing(customer)])
        assert annotated == is_allowed(customer, "sms") == sends, steps
        states.append(sends)
    assert states == [True, False, False, True, True, True, False, True, False, True]
    assert reachable(Customer.objects.all(), "sms").count() == sum(states)
    after_flag = Customer.objects.get(phone="+989120000007")
    assert (is_allowed(after_flag, "sms"), is_allowed(after_flag, "email")) == (True, False)


def test_a_no_stops_what_waits_and_what_a_worker_holds(cafe):
    customer = make_customer(1)
    waiting, service = marketing(customer), queue_message(
        recipient=customer.phone, body="کد", kind="code", purpose="transactional", customer_id=customer.pk
    )  # fmt: skip
    held = marketing(customer)
    Message.objects.filter(pk=held.pk).update(
        state="cancelled"
    )  # a worker has it, its row is not ours to change
    set_consent(actor=cafe.staff.actor, customer_id=customer.pk, channel="sms", granted=False, source="staff")
    waiting.refresh_from_db()
    assert (waiting.state, bool(waiting.error_text)) == ("blocked", True)
    assert set(refused_recipients([held, service])) == {held.pk}
    row = ConsentChange.objects.get()
    assert (row.channel, row.granted, row.source, row.actor_name) == ("sms", False, "staff", cafe.staff.name)
    with pytest.raises(Exception, match="append-only"), tenant_context(cafe.cafe):
        ConsentChange.objects.update(granted=True)


def test_consent_by_api_and_page(cafe):
    customer = make_customer(1)
    url = api_url(customer, "consent")
    answer = cafe.api("integrator").post(url, {"channel": "whatsapp", "granted": False}, format="json")
    states = {row["channel"]: row for row in answer.json()["data"]["consent"]["channels"]}
    assert (states["whatsapp"]["allowed"], states["whatsapp"]["source"]) == (False, "api")
    assert states["sms"]["allowed"]
    assert cafe.api().post(url, {"channel": "fax", "granted": True}, format="json").status_code == 400
    tab = f"/customers/{customer.pk}/tab/consent/"
    part = cafe.browser("staff").post(tab, {"channel": "all", "granted": "no"}, headers=PART)
    assert part.status_code == 200
    customer.refresh_from_db()
    assert not customer.allow_marketing
    assert (
        cafe.browser("staff").post(tab, {"channel": "fax", "granted": "no"}, headers=PART).status_code == 422
    )


def test_the_edit_form_writes_consent_down_too(cafe):
    customer = make_customer(1)
    update_customer(
        actor=cafe.staff.actor,
        customer_id=customer.pk,
        expected_version=1,
        changes={"allow_marketing": False},
    )
    row = ConsentChange.objects.get()
    assert (row.channel, row.granted, row.source) == ("all", False, "staff")


def test_opt_out_link(cafe, other_cafe):
    customer = make_customer(1)
    message = marketing(customer)
    url = f"/c/{opt_out_token(customer.pk)}/"
    guest = cafe.browser(None)
    guest.handler.enforce_csrf_checks = True
    page = guest.get(url)
    assert page.status_code == 200
    assert "۰۰۰۰۰۰۱" not in text(page)  # whoever got the link passed on learns no number
    assert "سارا" not in text(page)
    assert Customer.objects.get().allow_marketing  # looking changes nothing
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text(page))[1]
    done = guest.post(url, {"answer": "no", "csrfmiddlewaretoken": token}, follow=True)
    assert done.status_code == 200
    assert not Customer.objects.get().allow_marketing
    message.refresh_from_db()
    assert message.state == "blocked"
    row = ConsentChange.objects.get()
    assert (row.source, row.actor_name) == ("link", "")
    guest.post(url, {"answer": "yes", "csrfmiddlewaretoken": token})
    assert Customer.objects.get().allow_marketing
    assert len(page.content) < 10_000


def test_wrong_opt_out_links_are_refused(cafe, other_cafe):
    customer = make_customer(1)
    token = opt_out_token(customer.pk)
    with tenant_context(other_cafe.cafe), use_locale(other_cafe.cafe.locale):
        foreign = opt_out_token(customer.pk)
    flipped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    for wrong in (foreign, flipped, token[:-1], token + "A", "x", "۱۲۳", "%00", token.swapcase()):
        for method in ("get", "post"):
            answer = getattr(cafe.browser(None), method)(f"/c/{wrong}/", {"answer": "no"})
            assert answer.status_code == 404, wrong
    assert other_cafe.browser(None).get(f"/c/{token}/").status_code == 404
    with tenant_context(cafe.cafe):
        assert Customer.objects.get().allow_marketing


def test_the_stop_word_by_reply(cafe):
    from servaan_crm.messaging.gateways.base import InboundText

    make_customer(1)
    record_inbound(
        provider="kavenegar",
        message=InboundText(
            provider_id="9", sender="09120000001", receiver="1000", body="لغو۱۱", received_at=None
        ),
    )
    dispatch_pending()
    change = ConsentChange.objects.get()
    assert (change.source, change.channel, change.granted) == ("keyword", "sms", False)


def test_block_and_unblock(cafe):
    customer = make_customer(1)
    browser = cafe.browser("staff")
    browser.post(f"/customers/{customer.pk}/block/", {"reason": " "})
    customer.refresh_from_db()
    assert not customer.is_blocked
    message = marketing(customer)
    browser.post(f"/customers/{customer.pk}/block/", {"reason": "چک برگشتی"})
    customer.refresh_from_db()
    message.refresh_from_db()
    assert (customer.is_blocked, message.state) == (True, "blocked")
    assert "چک برگشتی" in text(browser.get(f"/customers/{customer.pk}/"))
    browser.post(f"/customers/{customer.pk}/unblock/")
    customer.refresh_from_db()
    assert (customer.is_blocked, customer.block_reason) == (False, "")
