"""The café of this room's tests: committed data, sending through a loopback gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from servaan_crm.messaging.services import checks
from servaan_crm.messaging.tests.loopback import Loopback, start_loopback


@pytest.fixture
def gateway_settings(settings: Any) -> Iterator[Loopback]:
    """A loopback gateway that the settings point to."""
    with start_loopback(pace=0.0) as running:
        settings.KAVENEGAR_BASE_URL = running.url
        settings.KAVENEGAR_API_KEY = "test-key"
        settings.KAVENEGAR_SENDER = "10004346"
        yield running


@pytest.fixture
def outbox(fresh_cafe: Callable[..., Any], gateway_settings: Loopback) -> Loopback:
    """A café whose outbox is empty and committed; returns the gateway it sends through."""
    fresh_cafe()
    return gateway_settings


@pytest.fixture(autouse=True)
def own_checks() -> Iterator[None]:
    """This room alone: no checks of higher rooms, and those of a test end with it."""
    before = dict(checks._checks)
    checks._checks.clear()
    yield
    checks._checks.clear()
    checks._checks.update(before)
