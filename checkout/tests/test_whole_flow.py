"""The whole job on a whole installation: browser, web server, worker, beat, Redis, gateway."""

from decimal import Decimal

import pytest
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.stack import Stack, running_stack, wait_for
from customers.models import Customer, MenuItem, Visit
from servaan_crm.accounts.authentication import issue_tokens
from servaan_crm.messaging.models import Message

PHONE = "09121110022"


@pytest.fixture
def stack(fresh_cafe, tmp_path):
    """A running installation over the test database, with Redis and the web server up."""
    with running_stack(tmp_path) as running:
        running.start_redis()
        running.start_web()
        yield running


def one_text(stack: Stack, phone: str = PHONE) -> list[str]:
    return wait_for(lambda: stack.texts_to(phone), 45, f"a text to {phone}")


@pytest.mark.timeout(180)
def test_redis_stops_during_checkout(stack, fresh_cafe):
    cast = fresh_cafe()
    token = issue_tokens(cast.staff)["access"]
    stack.start_worker()
    stack.stop_redis()
    answer = stack.post(
        cast.host, "/api/crm/visits", {"customer_phone": PHONE, "total_amount": 250_000}, token
    )
    assert answer.status_code == 201, answer.text
    assert Visit.objects.count() == 1
    assert stack.texts_to(PHONE) == []
    stack.start_redis()
    texts = one_text(stack)
    assert len(texts) == 1
    assert "۲۵۰" in texts[0], "the balance is in the text"
    assert cast.cafe.name in texts[0]
    wait_for(
        lambda: Message.objects.filter(state__in=["sent", "delivered"]).exists(), what="the record of it"
    )
    again = stack.post(cast.host, "/api/crm/visits", {"customer_phone": PHONE, "total_amount": 90_000}, token)
    assert again.status_code == 201
    wait_for(lambda: Message.objects.filter(state="delivered").exists(), 90, what="the delivery report")
    assert len(stack.texts_to(PHONE)) == 1, "only the first visit is thanked for"
    assert_books_agree()


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_counter_by_keyboard(stack, fresh_cafe, chromium_page):
    cast = fresh_cafe()
    MenuItem.objects.create(name="لاته", category="قهوه", price=Decimal(950_000))
    known = record_visit(
        actor=cast.staff.actor,
        request=VisitRequest(
            total_amount=Decimal(4_000_000), phone="+989351112233", customer_name="مریم کریمی"
        ),
    ).customer
    stack.start_worker()
    page = chromium_page
    page.goto(f"http://{cast.host}:{stack.port}/counter/")
    page.fill("[name=username]", "staff")
    page.fill("[name=password]", "servaan-demo")
    page.keyboard.press("Enter")
    page.wait_for_selector("#phone:focus")

    # A guest who is known: fragment, Enter, amount in Persian digits, Enter.
    page.keyboard.type("۰۹۳۵۱۱۱")
    page.wait_for_selector("[data-match] >> text=مریم کریمی")
    page.keyboard.press("Enter")
    page.wait_for_selector("#total_amount:focus")
    page.keyboard.type("۱۲۵۰۰۰")
    page.wait_for_selector(".points-plus >> text=۱٬۳۷۵")  # 1,250 and a tenth for silver
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-receipt] >> text=مریم کریمی")
    assert Visit.objects.filter(customer=known, total_amount=1_250_000, points_earned=1375).count() == 1

    # Undo within the minute.
    page.click("[data-undo]")
    page.wait_for_selector("text=مراجعه پس گرفته شد")
    assert Visit.objects.get(customer=known, visit_number=2).is_voided

    # A new number: Enter, name, Tab, amount, Enter; Enter again takes the next guest.
    page.keyboard.press("Escape")
    page.keyboard.type(PHONE)
    page.wait_for_selector(".match-new")
    page.keyboard.press("Enter")
    page.wait_for_selector("#customer_name:focus")
    page.keyboard.type("آرش کمانگیر")
    page.keyboard.press("Tab")
    page.keyboard.type("80000")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-receipt] >> text=آرش کمانگیر")
    page.wait_for_selector("[data-next]:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector("#phone:focus")
    assert page.input_value("#phone") == ""
    assert "۸۰۰" in one_text(stack)[0]
    assert Customer.objects.get(phone="+989121110022").name == "آرش کمانگیر"

    # Items add up; a wrong discount says so beside the form and saves nothing.
    page.keyboard.type(PHONE)
    page.wait_for_selector("[data-match] >> text=آرش کمانگیر")
    page.keyboard.press("Enter")
    page.wait_for_selector("#total_amount:focus")
    page.click(".bill-menu summary")
    page.click("[data-item]")
    page.click("[data-item]")
    assert page.input_value("#total_amount") == "۱۹۰٬۰۰۰"
    page.fill("#discount", "999999")
    page.click(".btn-record")
    page.wait_for_selector("#bill-errors .alert-line")
    assert Visit.objects.filter(customer__phone="+989121110022").count() == 1
    page.fill("#discount", "10000")
    page.click(".btn-record")
    page.wait_for_selector("[data-receipt]")
    visit = Visit.objects.get(customer__phone="+989121110022", visit_number=2)
    assert (visit.final_amount, visit.items[0]["quantity"]) == (1_800_000, 2)
    with tenant_context(cast.cafe):
        assert_books_agree()
    assert [problem for problem in page.problems if "422" not in problem] == []
