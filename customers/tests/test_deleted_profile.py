"""The profile of a deleted guest is whole: all that the page asks for answers, and nothing offers a change."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

import pytest

from checkout.services import VisitRequest, record_visit
from customers.services import delete_customer
from customers.services.family import add_family_member
from customers.services.notes import add_note
from customers.tests.factories import ACTOR, make_customer
from feedback.services import record_feedback
from outreach.services import log_interaction

_ASKED = re.compile(r'hx-get="([^"]+)"')
_CHANGES = re.compile(r'<form[^>]*method="post"[^>]*action="([^"]*)"|hx-(?:post|put|patch|delete)="([^"]+)"')
HTMX = {"HX-Request": "true", "HX-Target": "tab"}


def _deleted() -> Any:
    customer = make_customer(1, "نرگس احمدی", birthday=date(1991, 4, 21), notes="کنار پنجره")
    visit = record_visit(
        actor=ACTOR, request=VisitRequest(customer_id=customer.pk, total_amount=2_000_000)
    ).visit
    add_note(actor=ACTOR, customer_id=customer.pk, text="شیر بادام")
    add_family_member(actor=ACTOR, customer_id=customer.pk, values={"name": "آوا", "relationship": "child"})
    record_feedback(actor=ACTOR, rating=5, source="manual", customer_id=customer.pk, visit_id=visit.pk)
    log_interaction(actor=ACTOR, customer_id=customer.pk, type="call", direction="inbound")
    return delete_customer(actor=ACTOR, customer_id=customer.pk)


@pytest.mark.parametrize("role", ["owner", "manager", "staff"])
def test_every_part_answers_and_only_restoring_is_offered(cafe: Any, role: str) -> None:
    customer, browser = _deleted(), cafe.browser(role)
    page = browser.get(f"/customers/{customer.pk}/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "حذف شد" in html
    assert f"/customers/{customer.pk}/restore/" in html
    seen, waiting, offered = set(), {unescape(url) for url in _ASKED.findall(html)}, set()
    assert all(any(f"/{part}/" in url for url in waiting) for part in ("card", "panel", "notes"))
    offered |= {a or b for a, b in _CHANGES.findall(html)}
    while waiting:
        url = waiting.pop()
        seen.add(url)
        part = browser.get(url, headers=HTMX)
        assert part.status_code == 200, url
        text = part.content.decode()
        waiting |= {unescape(found) for found in _ASKED.findall(text) if found.startswith("/")} - seen
        offered |= {a or b for a, b in _CHANGES.findall(text)}
    allowed = ("/restore/", "/logout/", "/language/")
    assert {url for url in offered if str(customer.pk) in url and not url.endswith(allowed)} == set()
