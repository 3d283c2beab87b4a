"""The page of the program in a real browser: what is typed is simulated before it is saved, and axe is content."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from checkout.tests.stack import running_stack
from customers.models import MenuItem
from loyalty.models import BonusRule, LoyaltyProgram
from servaan_crm.tests.test_accessibility import RUN


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_typed_rules_are_tried_saved_and_guarded(fresh_cafe: Any, tmp_path: Path, chromium_page: Any) -> None:
    cast, page = fresh_cafe(), chromium_page
    MenuItem.objects.create(name="لاته", category="نوشیدنی", price=800_000)
    base = f"http://{cast.host}"
    with running_stack(tmp_path) as stack:
        stack.start_redis()
        stack.start_web()
        base = f"{base}:{stack.port}"
        page.goto(f"{base}/loyalty/")
        page.fill("[name=username]", "owner")
        page.fill("[name=password]", "servaan-demo")
        page.keyboard.press("Enter")
        page.wait_for_selector(".sim-points:has-text('۳٬۰۰۰')")  # 2,500 base × 1.2 of gold
        page.fill("#id_amount_per_point", "۲۰۰")
        page.wait_for_selector(".sim-points:has-text('۱٬۵۰۰')")
        assert page.locator("#sim-answer .badge-soft.is-warn").count() == 1
        assert page.locator("#program-form[data-changed]").count() == 1, "leaving now would be asked about"
        assert LoyaltyProgram.objects.get().amount_per_point == 1000, "trying is not saving"
        page.press("#id_amount_per_point", "Enter")
        page.wait_for_selector("[data-toast]")
        assert LoyaltyProgram.objects.get().amount_per_point == 2000

        page.goto(f"{base}/loyalty/bonus/new/")
        page.fill("#id_name", "عصر خلوت")
        page.fill("#id_size", "۳")
        page.check("input[name=items][value='لاته']")
        page.wait_for_selector(".bonus-say:has-text('لاته')")
        page.press("#id_name", "Enter")
        page.wait_for_url("**/loyalty/")
        assert BonusRule.objects.get().items == ["لاته"]
        page.wait_for_selector(".sim-lines .is-bonus:has-text('عصر خلوت')")

        for path in ("", "bonus/new/", "tiers/", "versions/", "versions/2/"):
            page.goto(f"{base}/loyalty/{path}", wait_until="networkidle")
            page.set_viewport_size({"width": 390, "height": 844})
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, f"{path} is wider than a phone"
            page.set_viewport_size({"width": 1280, "height": 860})
            page.evaluate(Path(AXE_FILE_PATH).read_text())
            assert page.evaluate(RUN) == [], path
    assert page.problems == []
