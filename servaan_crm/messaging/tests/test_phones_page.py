"""The test phones: this café's texts only, and only while no real provider is connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django_tenants.utils import tenant_context

from servaan_crm.messaging import services
from servaan_crm.messaging.models import ProviderAccount
from servaan_crm.messaging.tests.helpers import draft
from servaan_crm.messaging.tests.loopback import Loopback

PART = "/phones/part"


def page(cast: Any, path: str = PART, role: str | None = "staff") -> Any:
    client = cast.browser(role)
    connection.set_schema_to_public()
    answer = client.get(path)
    connection.set_tenant(cast.cafe)
    return answer


def test_shows_this_cafes_texts_only(fresh_cafe: Callable[..., Any], gateway_settings: Loopback) -> None:
    neighbour, cast = fresh_cafe(), fresh_cafe()
    for owner, body in ((neighbour, "متن همسایه"), (cast, "سپاس از شما")):
        with tenant_context(owner.cafe):
            services.queue_messages([draft(7, body=body)])
            services.dispatch_until_idle()
    answer = page(cast)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert "سپاس از شما" in html
    assert "متن همسایه" not in html
    assert '<bdi dir="ltr">۰۹۱۲ ۰۰۰ ۰۰۰۷</bdi>' in html


def test_whole_page_polls_its_part(fresh_cafe: Callable[..., Any], gateway_settings: Loopback) -> None:
    answer = page(fresh_cafe(), "/phones/")
    assert answer.status_code == 200
    assert f'hx-get="{PART}"' in answer.content.decode()


def test_silent_gateway_is_said_so(fresh_cafe: Callable[..., Any], settings: Any) -> None:
    settings.KAVENEGAR_BASE_URL, settings.KAVENEGAR_API_KEY = "http://127.0.0.1:9", "k"
    answer = page(fresh_cafe())
    assert answer.status_code == 200
    assert "wifi-off" in answer.content.decode()


def test_hidden_with_a_real_provider(fresh_cafe: Callable[..., Any], gateway_settings: Loopback) -> None:
    cast = fresh_cafe()
    ProviderAccount.objects.create(
        name="line", adapter="kavenegar", base_url="https://api.kavenegar.com", api_key="k"
    )
    assert page(cast).status_code == 404


@pytest.mark.usefixtures("gateway_settings")
def test_visitors_are_sent_to_the_login(fresh_cafe: Callable[..., Any]) -> None:
    assert page(fresh_cafe(), role=None).status_code == 302
