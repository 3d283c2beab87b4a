"""The guest's own page is not asked for without end: per link and per address, over all processes."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from customers.merging.services import merge_customers
from customers.tests.factories import ACTOR, make_customer
from customers.web.opt_out import opt_out_path


@pytest.fixture
def limits(settings: Any) -> None:
    cache.clear()
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"guest_page": 3, "guest_page_ip": 5}


def test_a_link_and_an_address_have_limits_of_their_own(cafe: Any, limits: None) -> None:
    one, two, three = (opt_out_path(make_customer(number).pk) for number in (1, 2, 3))
    client = cafe.browser(None)
    answers = [client.get(one, REMOTE_ADDR=f"10.0.0.{n}") for n in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["Cache-Control"] == "no-store"
    assert 'lang="fa"' in refused.content.decode()
    codes = [
        client.get(path, REMOTE_ADDR="10.9.9.9").status_code for path in (two, two, two, three, three, three)
    ]
    assert codes == [200, 200, 200, 200, 200, 429]
    assert client.get(three, REMOTE_ADDR="10.9.9.8").status_code == 429, "three of this link were counted"
    assert client.get("/c/nonsense/", REMOTE_ADDR="10.9.9.7").status_code == 404


def test_the_link_of_a_merged_record_speaks_for_the_whole_guest(cafe: Any, limits: None) -> None:
    kept, merged = make_customer(1), make_customer(2)
    path = opt_out_path(merged.pk)
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    assert cafe.browser(None).post(path, {"answer": "no"}).status_code == 302
    kept.refresh_from_db()
    assert kept.allow_marketing is False
