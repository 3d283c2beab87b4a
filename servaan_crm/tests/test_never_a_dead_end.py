"""Follow every link of every page: nothing ends in an error, and every page says what it is."""

from __future__ import annotations

from collections import Counter, deque
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from servaan_crm.tests.lived_in import live_in

# Pages of one kind (the same view and the same names in the query) are alike: so many of each are opened.
ALIKE = 2
MOST = 500
# Where the reader leaves the product's own pages. The API answers for itself, and the admin is Django's.
OUTSIDE = ("/static/", "/media/", "/api/", "/admin/", "/logout/")


class Reader(HTMLParser):
    """Collects addresses, headings and empty tables of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.headings = 0
        self.is_page = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.is_page |= tag == "html"
        self.headings += tag == "h1"
        for name in ("href", "hx-get", "data-href"):
            if given.get(name) and (tag != "link"):
                self.links.append(str(given[name]))
        if tag == "form" and str(given.get("method", "get")).lower() == "get" and given.get("action"):
            self.links.append(str(given["action"]))


def kind_of(path: str) -> tuple[Any, ...]:
    """Return what pages have in common that are alike."""
    parts = urlsplit(path)
    try:
        view = resolve(parts.path).view_name
    except Resolver404:
        view = parts.path
    values = parse_qsl(parts.query, keep_blank_values=True)
    return (
        view,
        tuple(
            sorted((name, value[:12] if name in ("sort", "look", "preset") else "") for name, value in values)
        ),
    )


def walk(browser: Client, starts: list[str]) -> tuple[list[str], int]:
    """Open everything that can be reached from ``starts``; return the complaints and how many pages there were."""
    seen: set[str] = set(starts)
    kinds: Counter[tuple[Any, ...]] = Counter()
    waiting = deque((path, "the start") for path in starts)
    complaints: list[str] = []
    opened = 0
    while waiting and opened < MOST:
        path, origin = waiting.popleft()
        kinds[kind_of(path)] += 1
        if kinds[kind_of(path)] > ALIKE:
            continue
        answer = browser.get(path, HTTP_HX_REQUEST="true") if "hx:" in origin else browser.get(path)
        opened += 1
        if answer.status_code >= 400:
            complaints.append(f"{path} answers {answer.status_code}, linked from {origin}")
            continue
        if answer.status_code >= 300:
            _follow(answer["Location"], path, path, seen, waiting)
        if answer.streaming or "text/html" not in answer["Content-Type"]:
            continue
        text = answer.content.decode()
        reader = Reader()
        reader.feed(text)
        if reader.is_page and reader.headings != 1:
            complaints.append(f"{path} has {reader.headings} main headings")
        if "data-table" in text and "<tbody></tbody>" in "".join(text.split()) and "empty-state" not in text:
            complaints.append(f"{path} has an empty table and no word on what to do")
        for link in reader.links:
            _follow(link, path, path, seen, waiting)
    return complaints, opened


def _follow(link: str, base: str, origin: str, seen: set[str], waiting: deque[tuple[str, str]]) -> None:
    if link.startswith(("#", "tel:", "mailto:", "sms:", "javascript:", "data:")):
        return
    parts = urlsplit(urljoin(f"http://here{base}", link))
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if parts.netloc != "here" or path.startswith(OUTSIDE) or path in seen:
        return
    seen.add(path)
    waiting.append((path, origin))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("role", ["manager", "staff"])
def test_every_link_leads_somewhere(cafe: Any, role: str) -> None:
    words = live_in(cafe)
    starts = ["/", "/counter/", "/customers/", f"/customers/{words['guest']}/", f"/visits/{words['visit']}/"]
    complaints, opened = walk(cafe.browser(role), starts)
    assert complaints == []
    assert opened > 40, "the walk goes through the whole product"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("role", ["manager", "staff"])
def test_an_empty_cafe_helps_on_every_page(cafe: Any, role: str) -> None:
    complaints, opened = walk(cafe.browser(role), ["/"])
    assert complaints == []
    assert opened > 12
