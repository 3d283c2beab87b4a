"""Short links: where they lead, and who counts as a person."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.core.cache import cache

from campaigns.models import ShortLink

MOBILE = "Mozilla/5.0 (Linux; Android 14; {}) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36{}"


@pytest.fixture
def link(cafe) -> ShortLink:
    cache.clear()
    return ShortLink.objects.create(code="Ab3xY7kQ", url="https://narenj.example/منو/پاییز?نوع=گرم")


def test_a_persian_address_arrives_as_it_was_written(cafe, link):
    answer = cafe.browser(None).get(f"/l/{link.pk}", HTTP_USER_AGENT=MOBILE.format("Pixel 8", ""))
    assert answer.status_code == 302
    assert answer["Location"].isascii()
    assert unquote(answer["Location"]) == link.url


@pytest.mark.parametrize(
    ("agent", "is_person"),
    [
        (MOBILE.format("CUBOT X30", ""), True),
        (MOBILE.format("SM-A536E", " Telegram-Android/11.3.3 (Samsung SM-A536E; Android 14; SDK 34)"), True),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 Twitter for iPhone/10.2", True),
        ("TelegramBot (like TwitterBot)", False),
        ("Twitterbot/1.0", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", False),
        ("WhatsApp/2.23.20.0", False),
        ("Viber/21.0", False),
        ("facebookexternalhit/1.1", False),
        ("python-requests/2.31", False),
    ],
)
def test_people_are_counted_and_programs_are_not(cafe, link, agent, is_person):
    cafe.browser(None).get(f"/l/{link.pk}", HTTP_USER_AGENT=agent)
    link.refresh_from_db()
    assert link.clicks == int(is_person)
