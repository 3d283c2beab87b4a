"""The builder of segments in a real browser: rows, a group, the number that follows, JSON, and what is stored."""

from __future__ import annotations

import json

import pytest

from checkout.services import VisitRequest, record_visit
from checkout.tests.stack import running_stack
from customers.models import Customer
from customers.services import create_customer
from segments.models import Segment
from segments.selectors import preview


def guests_of(cast):
    """Three guests with 1, 3 and 5 bills of 100,000 toman."""
    for number, bills in enumerate((1, 3, 5)):
        guest = create_customer(actor=cast.owner.actor, phone=f"0912555010{number}", name=f"مهمان {number}")
        for _ in range(bills):
            bill = VisitRequest(customer_id=guest.pk, total_amount=1_000_000)
            record_visit(actor=cast.owner.actor, request=bill)


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_segment_is_put_together_with_the_mouse(fresh_cafe, tmp_path, chromium_page):
    cast, page = fresh_cafe(), chromium_page
    guests_of(cast)
    with running_stack(tmp_path) as stack:
        stack.start_redis()
        stack.start_web()
        page.goto(f"http://{cast.host}:{stack.port}/segments/new/")
        page.fill("[name=username]", "owner")
        page.fill("[name=password]", "servaan-demo")
        page.keyboard.press("Enter")
        page.wait_for_selector("#builder .b-group")
        page.fill("[name=name]", "پرتکرارها")

        row = page.locator("#builder .b-row").first
        row.locator("select").first.select_option("visit_count")
        number = row.locator("input.num").first
        number.fill("۳")  # digits of any script
        page.wait_for_selector("#builder-preview >> text=۲")
        assert json.loads(page.input_value("#criteria")) == {"visit_count": {"min": 3}}

        # A group of its own: or, and the number follows again.
        page.locator("#builder > .b-group > .b-foot button").nth(1).click()
        inner = page.locator("#builder .b-group .b-group")
        inner.locator(".b-row select").first.select_option("lifetime_spent")
        inner.locator(".b-row input.num").first.fill("450000")
        page.wait_for_selector("#builder-preview >> text=۱")
        criteria = json.loads(page.input_value("#criteria"))
        assert preview(criteria).count == 1

        # The JSON is the same thing: what is written there is drawn as rows, and a second bound stays.
        page.click("details.json-view summary")
        page.fill("#criteria", '{"visit_count": {"above": 1, "max": 8}}')
        page.locator("#criteria").blur()
        page.wait_for_function("document.querySelectorAll('#builder .b-row').length === 1")
        assert "بیشتر از ۱" in page.locator("#builder .b-row").inner_text()
        page.locator("#builder .b-row input.num").first.fill("۹")
        assert json.loads(page.input_value("#criteria")) == {"visit_count": {"above": 1, "max": 9}}
        page.fill("#criteria", '{"any": [{"visit_count": 1}, {"visit_count": {"min": 5}}]}')
        page.locator("#criteria").blur()
        page.wait_for_function("document.querySelectorAll('#builder .b-row').length === 2")
        page.wait_for_selector("#builder-preview >> text=۲")

        page.click(".split-side button[type=submit]")
        page.wait_for_url("**/segments/*/")
        stored = Segment.objects.get(name="پرتکرارها")
        assert stored.criteria == {"any": [{"visit_count": 1}, {"visit_count": {"min": 5}}]}
        assert preview(stored.criteria).count == 2 < Customer.objects.count()
        assert not page.problems
