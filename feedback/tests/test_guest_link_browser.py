"""How was it? in a real browser, on a phone, without scripts: by finger, by keyboard, and as axe sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from checkout.tests.stack import running_stack
from feedback.models import Feedback
from feedback.tests.helpers import make_customer, make_visit
from feedback.tests.test_guest_link import path_of
from servaan_crm.tests.test_accessibility import RUN

_PHONE = {"width": 390, "height": 844}


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_guest_answers_on_an_old_phone(fresh_cafe: Any, tmp_path: Path, chromium_page: Any) -> None:
    cast = fresh_cafe()
    visits = [make_visit(make_customer("نگار احمدی")) for _number in range(2)]
    paths = [path_of(visit) for visit in visits]
    with running_stack(tmp_path) as stack:
        stack.start_redis()
        stack.start_web()
        base = f"http://{cast.host}:{stack.port}"
        for scheme in ("light", "dark"):
            chromium_page.emulate_media(color_scheme=scheme)
            chromium_page.set_viewport_size(_PHONE)
            chromium_page.goto(base + paths[0])
            chromium_page.click("summary")
            chromium_page.check("input[name=rating][value='2']")
            chromium_page.evaluate(Path(AXE_FILE_PATH).read_text())
            assert chromium_page.evaluate(RUN) == [], scheme
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert chromium_page.evaluate(wide) <= 0
        assert not chromium_page.problems

        context = chromium_page.context.browser.new_context(viewport=_PHONE, java_script_enabled=False)
        page = context.new_page()
        page.goto(base + paths[0])
        for face in page.locator(".faces label").all():
            box = face.bounding_box()
            assert box["width"] >= 44
            assert box["height"] >= 44
        page.click("button")
        assert page.locator("h1").count() == 1
        assert not Feedback.objects.exists(), "without a face nothing is sent"
        page.locator(".faces label").nth(4).click()
        page.fill("textarea", "کیک گردو عالی بود")
        page.click("summary")
        page.locator(".marks").nth(0).locator("label").nth(3).click()
        page.click("button")
        page.wait_for_selector(".thanks")

        page.goto(base + paths[1])
        page.focus("input[name=rating][value='1']")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector(".thanks")
        context.close()
    rows = {row.visit_id: row for row in Feedback.objects.all()}
    first, second = (rows[visit.pk] for visit in visits)
    assert (first.rating, first.comment, first.category_ratings) == (5, "کیک گردو عالی بود", {"service": 4})
    assert second.rating == 2
