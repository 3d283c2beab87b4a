"""Pages under axe, in a real browser; and how heavy the counter is on its first visit.

The suite looks at every page in one of the two themes. ``make a11y`` looks at all of them in both.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from checkout.tests.stack import running_stack
from dev.screenshot_pages import PAGES, Page
from dev.screenshots import log_in, prepare, settle
from servaan_crm.tests.lived_in import live_in

AXE = Path(AXE_FILE_PATH).read_text()
RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.filter(rule => ["serious", "critical"].includes(rule.impact)).map(
    rule => [rule.id, rule.nodes.slice(0, 4).map(node => [node.target.join(" "), node.failureSummary.slice(0, 240)])]);
}"""
# Django's own admin and the API's browsable description are not ours to paint.
NOT_OURS = {"admin", "admin-customers", "api-docs"}
ROLES = ("", "staff", "manager", "owner")
THEMES = ("light", "dark")
EVERYTHING = os.environ.get("SERVAAN_A11Y") == "all"
# A machine that is busy with other things is slow, not broken.
PATIENCE = 90_000


def pages_of(role: str, theme: str) -> list[Page]:
    """Return the pages a role is shown in a theme: each in one of them, the theme changing from page to page."""
    ours = [page for page in PAGES if page.name not in NOT_OURS and not page.bare]
    wanted = ours if EVERYTHING else ours[THEMES.index(theme) :: len(THEMES)]
    return [page for page in wanted if page.role == role]


@pytest.fixture
def lived(fresh_cafe: Any, tmp_path: Path) -> Any:
    """A café with history behind a web server: (base address, words of the paths)."""
    cast = fresh_cafe()
    words = live_in(cast)
    with running_stack(tmp_path) as stack:
        stack.env["SERVAAN_RATE_USER_HOUR"] = "100000"
        stack.start_redis()
        stack.start_web()
        yield f"http://{cast.host}:{stack.port}", words


@pytest.mark.browser
@pytest.mark.timeout(420)
@pytest.mark.parametrize("theme", THEMES)
def test_no_page_shuts_anybody_out(lived: Any, chromium_page: Any, theme: str) -> None:
    base, words = lived
    browser = chromium_page.context.browser
    complaints = []
    for role in ROLES:
        context = browser.new_context(
            viewport={"width": 1280, "height": 860}, color_scheme=theme, reduced_motion="reduce"
        )
        context.add_init_script(AXE)
        context.set_default_timeout(PATIENCE)
        if role:
            log_in(context, base, role)
        for page in pages_of(role, theme):
            tab = context.new_page()
            tab.goto(f"{base}{page.path.format(**words)}", wait_until="load")
            settle(tab)
            prepare(tab, page)
            complaints += [
                f"{page.name}: {rule} {json.dumps(nodes, ensure_ascii=False)}"
                for rule, nodes in tab.evaluate(RUN)
            ]
            tab.close()
        context.close()
    assert complaints == []


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_the_counter_is_light_on_its_first_visit(lived: Any, chromium_page: Any) -> None:
    base, _ = lived
    browser = chromium_page.context.browser
    first = browser.new_context(viewport={"width": 390, "height": 844})
    log_in(first, base, "staff")
    login = first.storage_state()
    first.close()
    context = browser.new_context(viewport={"width": 390, "height": 844}, storage_state=login)
    tab = context.new_page()
    answers: list[Any] = []
    tab.on("response", lambda answer: answers.append(answer))
    tab.goto(f"{base}/counter/", wait_until="networkidle")
    fonts = [answer for answer in answers if answer.request.resource_type == "font"]
    others = [answer for answer in answers if answer not in fonts]
    # What the proxy in front sends is compressed; the server of this test sends it as it is.
    sizes = {answer.url: len(gzip.compress(answer.body(), 6)) for answer in others if answer.status == 200}
    assert len(answers) <= 12, [answer.url for answer in answers]
    assert sum(sizes.values()) < 180_000, sorted(sizes.items(), key=lambda entry: -entry[1])
    context.close()
