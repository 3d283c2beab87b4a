"""A campaign in a real browser, from the first step to the message on the guest's phone."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from campaigns.models import Campaign
from campaigns.tests.helpers import set_rules
from checkout.tests.stack import running_stack, wait_for
from feedback.tests.helpers import make_customer
from segments.models import Segment, SegmentMembership
from servaan_crm.tests.test_accessibility import RUN


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_from_the_first_step_to_the_phone(fresh_cafe: Any, tmp_path: Path, chromium_page: Any) -> None:
    cast, page = fresh_cafe(), chromium_page
    set_rules()
    segment = Segment.objects.create(key="regulars", name="همیشگی‌ها", kind="static", criteria={})
    for name, phone, wants in (
        ("مریم کریمی", "+989121110001", True),
        ("رضا نوری", "+989121110002", True),
        ("سارا امینی", "+989121110003", False),
    ):
        guest = make_customer(name=name, phone=phone, allow_marketing=wants)
        SegmentMembership.objects.create(segment=segment, customer=guest)
    make_customer(name="غریبه", phone="+989121110009", allow_marketing=True)

    def look() -> None:
        """No page is wider than a phone, and axe is content."""
        page.set_viewport_size({"width": 390, "height": 844})
        assert (
            page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        )
        page.set_viewport_size({"width": 1280, "height": 860})
        page.evaluate(Path(AXE_FILE_PATH).read_text())
        assert page.evaluate(RUN) == [], page.url

    with running_stack(tmp_path) as stack:
        stack.start_redis()
        stack.start_web()
        base = f"http://{cast.host}:{stack.port}"
        page.goto(f"{base}/campaigns/")
        page.fill("[name=username]", "manager")
        page.fill("[name=password]", "servaan-demo")
        page.keyboard.press("Enter")
        page.click("a[href='/campaigns/new/'] >> nth=0")

        page.wait_for_selector("#builder-preview [data-recipients]:has-text('۳')")
        page.check("input[name=segments][value=regulars]")
        page.wait_for_selector("#builder-preview [data-recipients]:has-text('۲')")
        page.fill("#id_name", "آخر هفته")
        look()
        page.press("#id_name", "Enter")

        page.wait_for_url("**/edit/what/")
        page.type("#id_content", "سلام")
        page.click("[data-insert^='{{name|']")
        page.wait_for_selector(".bubble:has-text('سلام مریم کریمی'), .bubble:has-text('سلام رضا نوری')")
        first = page.inner_text("[data-sample]:not([hidden]) .bubble")
        page.click("[data-turn='1']")
        assert page.inner_text("[data-sample]:not([hidden]) .bubble") != first
        page.check("[name=has_trial]")
        page.fill("#id_content_b", "متن دوم")
        page.fill("#id_test_percent", "۱۰۰")
        look()
        page.click(".go-steps button[value=when]")

        page.wait_for_url("**/edit/when/")
        page.check("[name=when][value=at]")
        page.wait_for_selector("#id_date:visible")
        page.check("[name=when][value=now]")
        look()
        page.click(".step-foot .btn-primary")

        page.wait_for_url("**/edit/check/")
        look()
        page.click("form[action$='/do/send/'] button")
        assert Campaign.objects.get().status == "draft", "the browser asks for the yes first"
        page.check("[name=sure]")
        page.click("form[action$='/do/send/'] button")
        page.wait_for_selector("#campaign-live")
        stack.start_worker()
        wait_for(lambda: sum(map(len, stack.gateway.received().values())) == 2, 60, "two messages")
        page.wait_for_selector(".live-states a[href$='status=delivered']:has-text('۲')", timeout=60_000)
        look()
        page.goto(f"{page.url.split('?')[0]}guests/?status=not_reached")
        assert page.locator("tbody tr:has-text('سارا امینی')").count() == 1
        assert page.locator("tbody tr").count() == 1
        look()
        page.goto(f"{base}/campaigns/")
        assert page.locator("tbody tr:has-text('آخر هفته')").count() == 1
        look()
    texts = [row["message"] for rows in stack.gateway.received().values() for row in rows]
    assert len(texts) == 2
    assert "+989121110003" not in str(stack.gateway.received())
    # A preview that was asked for when the page was left has nobody to answer to.
    assert [problem for problem in page.problems if not problem.startswith("htmx:")] == []
