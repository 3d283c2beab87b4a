"""Rate limits: per area, per hour, counted in the shared cache."""

import threading
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import override_settings
from rest_framework.test import APIClient

from servaan_crm.tests.addresses import REST
from servaan_crm.tests.contract import envelope

# --- rate limits ---


def limits(**changes: int) -> override_settings:
    return override_settings(RATE_LIMITS={**settings.RATE_LIMITS, **changes})


@pytest.fixture
def no_counts() -> Any:
    """Counters of this café from other tests would be met again: users have new ids, addresses do not."""
    cache.clear()
    yield
    cache.clear()


def test_every_area_has_a_limit() -> None:
    for address in REST:
        area = getattr(address.view, "rate_area", None)
        assert area is None or area in settings.RATE_LIMITS, str(address)
        assert area or not address.route.startswith("/api/crm/"), f"{address} has no limit of its own"


def test_rate_limit_of_an_area(cafe: Any, client: APIClient, no_counts: None) -> None:
    with limits(customers=3):
        answers = [client.get("/api/crm/customers") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert envelope(answers[3], "429") == "RATE_LIMIT_EXCEEDED"
        assert 1 <= int(answers[3]["Retry-After"]) <= 60
        assert client.get("/api/crm/feedback").status_code == 200  # another area
        assert cafe.api("staff").get("/api/crm/customers").status_code == 200  # another user


def test_rate_limit_per_hour(cafe: Any, client: APIClient, no_counts: None) -> None:
    with limits(user_hour=2):
        codes = [
            client.get(url).status_code
            for url in ("/api/crm/customers", "/api/crm/feedback", "/api/crm/segments")
        ]
        assert codes == [200, 200, 429]
        assert 1 <= int(client.get("/api/crm/customers")["Retry-After"]) <= 3600


def test_guessing_passwords_is_limited(cafe: Any, no_counts: None) -> None:
    client = APIClient(SERVER_NAME=cafe.host)
    with limits(login=3):
        codes = [
            client.post(
                "/api/auth/token", {"username": "owner", "password": str(n)}, format="json"
            ).status_code
            for n in range(4)
        ]
    assert codes == [401, 401, 401, 429]


def test_a_cafe_may_have_its_own_limit(cafe: Any, client: APIClient, no_counts: None) -> None:
    cafe.cafe.settings = {"rate_limits": {"customers": 1}}
    cafe.cafe.save()
    try:
        assert [client.get("/api/crm/customers").status_code for _ in range(2)] == [200, 429]
    finally:
        cafe.cafe.settings = {}
        cafe.cafe.save()


def test_limits_are_counted_over_all_processes(fresh_cafe: Any) -> None:
    """Threads with their own connections stand for processes: what they share is Redis alone."""
    cast = fresh_cafe()
    clients = [cast.api("owner"), cast.api("owner")]
    codes: list[int] = []

    def run(client: APIClient) -> None:
        try:
            codes.extend(client.get("/api/crm/customers").status_code for _ in range(10))
        finally:
            connection.close()
            cache.close()

    with limits(customers=12):
        threads = [threading.Thread(target=run, args=[client]) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # A minute may begin in between; then there are two windows.
    assert codes.count(200) in (12, 20) or 12 < codes.count(200) < 20
    assert codes.count(200) + codes.count(429) == 20
