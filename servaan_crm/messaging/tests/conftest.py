"""The café of this room's tests: committed data, sending through a loopback gateway."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django_tenants.utils import tenant_context

from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.models import SendingRules
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


@pytest.fixture(scope="module")
def committed_cafe(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """One café with committed data for all tests of a module: making one takes longer than most tests."""
    from conftest import make_cafe
    from servaan_crm.tenancy.services import drop_cafe

    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        cast = make_cafe(f"outbox-{uuid4().hex[:8]}")
        connection.set_schema_to_public()
    yield cast
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        drop_cafe(cast.cafe)
        connection.close()


@pytest.fixture
def outbox(committed_cafe: Any, django_db_blocker: Any, gateway_settings: Loopback) -> Iterator[Loopback]:
    """A café whose outbox is empty and committed; returns the gateway it sends through."""
    with (
        django_db_blocker.unblock(),
        tenant_context(committed_cafe.cafe),
        use_locale(committed_cafe.cafe.locale),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE messaging_message, messaging_inboundmessage, messaging_provideraccount,"
                " messaging_gatewaystate, messaging_sendingrules, messaging_messagehold, messaging_blockednumber,"
                " messaging_pushsubscription, messaging_verificationcode, core_event"
            )
        # No quiet window, whatever the clock says while the tests run.
        SendingRules.objects.create(quiet_from=time(0), quiet_to=time(0))
        yield gateway_settings


@pytest.fixture(autouse=True)
def own_checks() -> Iterator[None]:
    """This room alone: no checks of higher rooms, and those of a test end with it."""
    before = dict(checks._checks)
    checks._checks.clear()
    yield
    checks._checks.clear()
    checks._checks.update(before)
