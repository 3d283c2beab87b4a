"""An API client that answers crashes as a browser would see them, and a café full of things to find."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from servaan_crm.tests.planting import plant


@pytest.fixture
def client(cafe: Any) -> APIClient:
    made = cafe.api("owner")
    made.raise_request_exception = False
    return made


@pytest.fixture
def values(cafe: Any) -> dict[str, Any]:
    """URL parameters that exist in this café, so that a bad body is really read."""
    return plant(cafe) | {"level": "gold"}
