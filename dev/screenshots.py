"""Photograph the pages of a running server: ``python -m dev.screenshots HOST:PORT [NAME ...]``.

Started by ``make screenshots``; needs SERVAAN_CHROMIUM.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dev.errors import Refusal
from dev.paths import ROOT
from dev.screenshot_pages import PAGES, Page

FOLDER = ROOT / "docs" / "screenshots"
WIDTHS = (1280, 390)
HEIGHTS = {1280: 800, 390: 844}
THEMES = ("light", "dark")
PASSWORD = "servaan-demo"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.localhost 127.0.0.1",
]
SETTLED = (
    "Promise.all([document.fonts.ready, ...document.getAnimations().map(a => a.finished.catch(() => 0))])"
)


def log_in(context: Any, base: str, user: str) -> None:
    """Log a demo user in, once per browser context, through the login form."""
    from playwright.sync_api import TimeoutError

    page = context.new_page()
    page.goto(f"{base}/login/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    try:
        page.wait_for_url(lambda url: "/login" not in url, timeout=15_000)
    except TimeoutError:
        raise Refusal(f"{user} cannot log in at {base}: {page.inner_text('body')[:200]!r}") from None
    page.close()


def photograph(context: Any, base: str, page: Page, target: Path) -> str:
    """Save one page; returns a complaint or nothing."""
    tab = context.new_page()
    try:
        answer = tab.goto(f"{base}{page.path}", wait_until="networkidle")
        for selector, text in page.fill:
            tab.fill(selector, text)
        if page.click:
            tab.click(page.click)
            tab.wait_for_load_state("networkidle")
        tab.evaluate(SETTLED)
        tab.screenshot(path=str(target), animations="disabled", full_page=True)
        status = answer.status if answer else 0
        return "" if 200 <= status < 400 else f"{page.name}: {base}{page.path} answered {status}"
    finally:
        tab.close()


def visit(browser: Any, host: str, pages: Sequence[Page], width: int, theme: str) -> list[str]:
    """Photograph all pages at one width and theme; one browser context per café and user."""
    complaints = []
    contexts: dict[tuple[str, str], Any] = {}
    for page in pages:
        base = f"http://{page.cafe}.{host}"
        key = (page.cafe, page.login)
        if key not in contexts:
            contexts[key] = browser.new_context(
                viewport={"width": width, "height": HEIGHTS[width]},
                color_scheme=theme,
                reduced_motion="reduce",
            )
            if page.login:
                log_in(contexts[key], base, page.login)
        complaints.append(photograph(contexts[key], base, page, FOLDER / f"{page.name}-{width}-{theme}.png"))
    for context in contexts.values():
        context.close()
    return [complaint for complaint in complaints if complaint]


def main(arguments: Sequence[str]) -> int:
    """Photograph all pages, or the named ones. Returns 1 when a page did not answer as it should."""
    from playwright.sync_api import sync_playwright

    host, names = arguments[0], set(arguments[1:])
    pages = [page for page in PAGES if not names or page.name in names]
    FOLDER.mkdir(parents=True, exist_ok=True)
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["SERVAAN_CHROMIUM"], args=FLAGS)
        for width in WIDTHS:
            for theme in THEMES:
                print(f"{len(pages)} pages, {width} px, {theme}", flush=True)
                complaints += visit(browser, host, pages, width, theme)
        browser.close()
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        sys.exit(f"servaan: {refusal}")
