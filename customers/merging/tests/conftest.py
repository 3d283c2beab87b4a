"""No test reads what another one's search for duplicates found."""

import pytest
from django.core.cache import cache

from customers.merging import candidates


@pytest.fixture(autouse=True)
def no_old_scan(request):
    if "cafe" in request.fixturenames:
        request.getfixturevalue("cafe")
        cache.delete(candidates._CACHE_KEY)
