"""Photograph the pages of a running server: ``python -m dev.screenshots HOST:PORT [NAME ...]``.

Started by ``make screenshots``; needs SERVAAN_CHROMIUM. The pages are in ``screenshot_pages``.
"""

import base64
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dev.errors import Refusal
from dev.paths import ROOT
from dev.screenshot_pages import PAGES, Page
from dev.screenshot_scene import set_scene

FOLDER = ROOT / "docs" / "screenshots"
CAFES = {"fa": "demo", "en": "dombivli"}  # each in the language of its country
WIDTHS = (1280, 390)
HEIGHTS = {1280: 800, 390: 844}
THEMES = ("light", "dark")
TALLEST = 2000  # px; what is below repeats what is above
QUALITY = 52
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
QUIET = "!document.querySelector('.htmx-request')"
SIZE = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Camera:
    """Photographs the pages of one café; logs each role in once."""

    def __init__(self, browser: Any, host: str, language: str) -> None:
        self.browser, self.host, self.language = browser, host, language
        self.base = f"http://{CAFES[language]}.{host}"
        self.sessions: dict[str, Any] = {}
        self.words = self._scene()

    def session(self, role: str) -> Any:
        """Return the stored login of ``role``, None for nobody."""
        if role and role not in self.sessions:
            context = self.browser.new_context()
            log_in(context, self.base, role)
            self.sessions[role] = context.storage_state()
            context.close()
        return self.sessions.get(role)

    def _scene(self) -> dict[str, str]:
        context = self.browser.new_context(storage_state=self.session("owner"))
        try:
            return set_scene(context, self.base, self.language)
        finally:
            context.close()

    def take(self, pages: Sequence[Page], width: int, theme: str) -> list[str]:
        """Photograph ``pages`` at one width and theme; returns the complaints."""
        complaints = []
        contexts: dict[str, Any] = {}
        for page in pages:
            if page.role not in contexts:
                contexts[page.role] = self.browser.new_context(
                    viewport={"width": width, "height": HEIGHTS[width]},
                    color_scheme=theme,
                    reduced_motion="reduce",
                    locale="fa-IR" if self.language == "fa" else "en-US",
                    storage_state=self.session(page.role),
                )
            target = FOLDER / f"{page.name}-{width}-{theme}-{self.language}.webp"
            complaints += self._photograph(contexts[page.role], page, target)
        for context in contexts.values():
            context.close()
        return complaints

    def _photograph(self, context: Any, page: Page, target: Path) -> list[str]:
        from playwright.sync_api import Error

        tab = context.new_page()
        base = f"http://{self.host}" if page.bare else self.base
        path = page.path.format(**self.words)
        try:
            answer = tab.goto(f"{base}{path}", wait_until="load")
            settle(tab)
            prepare(tab, page)
            save(tab, target)
            wide = tab.evaluate(TOO_WIDE)
        except Error as error:
            return [f"{target.stem}: {error.message.splitlines()[0]}"]
        finally:
            tab.close()
        status = answer.status if answer else 0
        wrong = [f"{target.stem}: {path} answered {status}"] if status != page.status else []
        return wrong + ([f"{target.stem}: {wide} px wider than the screen"] if wide > 0 else [])


def log_in(context: Any, base: str, user: str) -> None:
    """Log a demo user in through the login form."""
    from playwright.sync_api import TimeoutError

    page = context.new_page()
    page.goto(f"{base}/login/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    try:
        page.wait_for_url(lambda url: "/login" not in url, timeout=60_000)
    except TimeoutError:
        raise Refusal(f"{user} cannot log in at {base}: {page.inner_text('body')[:200]!r}") from None
    page.close()


def prepare(tab: Any, page: Page) -> None:
    """Do what stands before the photograph of ``page``."""
    if page.upload:
        tab.set_input_files("main input[type=file]", str(page.upload))
    for selector, text in page.fill.items():
        tab.type(selector, text)
    for selector in page.click:
        tab.click(selector)
        tab.wait_for_load_state("load")
    if page.await_for:
        tab.wait_for_selector(page.await_for, timeout=60_000)
    settle(tab)


def settle(tab: Any) -> None:
    """Wait until what the page loads by itself is there. Network silence would never come: some pages poll."""
    for _ in range(100):
        tab.wait_for_timeout(100)
        # Asked again and again from here: a loop within the page is not what its security policy allows.
        if tab.evaluate(QUIET):
            break
    tab.evaluate(SETTLED)


def save(tab: Any, target: Path) -> None:
    """Write the whole page as WebP, which the browser makes by itself."""
    width, height = tab.evaluate(SIZE)
    seen = tab.viewport_size
    height = min(max(height, seen["height"]), TALLEST)
    tab.set_viewport_size({"width": seen["width"], "height": height})
    tab.wait_for_timeout(60)
    clip = {"x": 0, "y": 0, "width": min(width, seen["width"]), "height": height, "scale": 1}
    session = tab.context.new_cdp_session(tab)
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "clip": clip})
    target.write_bytes(base64.b64decode(picture["data"]))


def write_index(folder: Path = FOLDER) -> None:
    """Write ``README.md`` with every page there is, by group."""
    lines = ["# The pages", "", "Made by `make screenshots`. Each page at 1280 and 390 px, light and dark, in",
             "Persian and in English.", ""]  # fmt: skip
    for group in dict.fromkeys(page.group for page in PAGES):
        lines += [f"## {group}", "", "| page | Persian | English |", "|---|---|---|"]
        for page in PAGES:
            if page.group == group:
                cells = [
                    " · ".join(
                        f"[{w} {t}]({page.name}-{w}-{t}-{language}.webp)" for w in WIDTHS for t in THEMES
                    )
                    for language in CAFES
                ]
                lines.append(f"| {page.title} | {cells[0]} | {cells[1]} |")
        lines.append("")
    (folder / "README.md").write_text("\n".join(lines).rstrip() + "\n")


def forget_old(folder: Path = FOLDER) -> None:
    """Delete pictures of pages that are no more."""
    wanted = {
        f"{page.name}-{width}-{theme}-{language}.webp"
        for page in PAGES
        for width in WIDTHS
        for theme in THEMES
        for language in CAFES
    }
    for found in [*folder.glob("*.png"), *folder.glob("*.webp")]:
        if found.name not in wanted:
            found.unlink()


def main(arguments: Sequence[str]) -> int:
    """Photograph all pages, or the named ones. Returns 1 when a page did not answer as it should."""
    from playwright.sync_api import sync_playwright

    host, names = arguments[0], set(arguments[1:])
    pages = [page for page in PAGES if not names or page.name in names]
    FOLDER.mkdir(parents=True, exist_ok=True)
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["SERVAAN_CHROMIUM"], args=FLAGS)
        for language in os.environ.get("LANGUAGES", " ".join(CAFES)).split():
            camera = Camera(browser, host, language)
            for width in WIDTHS:
                for theme in THEMES:
                    print(f"{len(pages)} pages, {language}, {width} px, {theme}", flush=True)
                    complaints += camera.take(pages, width, theme)
        browser.close()
    forget_old()
    write_index()
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        sys.exit(f"servaan: {refusal}")
