"""The published description says what is there, and can be read without leaving the host."""

import json
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.contrib.staticfiles import finders
from django.core.wsgi import get_wsgi_application
from django.db import connection
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from servaan_crm.tests.addresses import REST

# The two that describe the others.
UNDESCRIBED = {"/api/schema", "/api/docs"}
DESCRIBED = [address for address in REST if address.route not in UNDESCRIBED]


@pytest.fixture
def schema(cafe: Any) -> dict[str, Any]:
    answer = cafe.api(None).get("/api/schema")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/")
    return answer.json()


def test_generating_it_warns_of_nothing(cafe: Any) -> None:
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        made = SchemaGenerator(urlconf="servaan_crm.urls").get_schema(request=None, public=True)
    warnings = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    GENERATOR_STATS.reset()
    assert warnings == []
    validate_schema(made)  # against the JSON Schema of OpenAPI 3.1, which the library brings along


def test_it_describes_every_address_once(schema: dict[str, Any]) -> None:
    assert schema["openapi"] == "3.1.0"
    assert sorted(schema["paths"]) == sorted(address.route for address in DESCRIBED)


@pytest.mark.parametrize("address", DESCRIBED, ids=str)
def test_methods_parameters_and_bodies(address: Any, schema: dict[str, Any]) -> None:
    item = schema["paths"][address.route]
    methods = {method.lower() for method in address.methods if method not in ("HEAD", "OPTIONS")}
    assert {name for name in item if name != "parameters"} == methods
    for method, operation in item.items():
        in_path = [value["name"] for value in operation.get("parameters", []) if value["in"] == "path"]
        assert sorted(in_path) == sorted(address.parameters), method
        assert any(code.startswith("2") for code in operation["responses"]), method
        assert not (method == "get" and "requestBody" in operation)


def test_operation_ids_and_references(schema: dict[str, Any]) -> None:
    operations = [operation for item in schema["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    components = schema["components"]
    references = set(re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', json.dumps(schema)))
    assert references <= set(components["schemas"])
    assert set(components["securitySchemes"]) == {"token", "apiKey", "session"}
    for operation in operations:
        for alternative in operation.get("security", []):
            assert set(alternative) <= set(components["securitySchemes"])


class _Page(HTMLParser):
    """Collects what a page loads and what it holds inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        address = named.get("src") if tag == "script" else named.get("href") if tag == "link" else None
        if address:
            self.loads.append(address)
        elif tag in ("script", "style"):
            self.inline.append(tag)
        self.inline += [name for name in named if name.startswith("on") or name == "style"]


def test_the_page_keeps_to_our_content_policy(cafe: Any) -> None:
    browser = cafe.browser(None)
    answer = browser.get("/api/docs")
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    page = _Page(answer.content.decode())
    assert page.inline == []
    assert len(page.loads) >= 5
    for address in page.loads:
        assert re.match(r"/[^/]", address), address
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
        else:
            script = browser.get(address)
            assert script["Content-Type"].startswith(("application/javascript", "text/javascript"))
            assert "/api/schema" in script.content.decode()
            assert "http://" not in script.content.decode()


@pytest.fixture
def port() -> Iterator[int]:
    """A server of this process; one thread, so that one connection has to be closed afterwards."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Quiet)

    def run() -> None:
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def host(fresh_cafe: Any) -> str:
    """A café made before the browser's event loop runs: in it Django opens another connection."""
    return str(fresh_cafe().host)


@pytest.mark.browser
def test_the_page_in_a_browser(host: str, port: int, chromium_page: Any) -> None:
    chromium_page.goto(f"http://{host}:{port}/api/docs")
    # One of the first: the page draws the others when they are scrolled to.
    chromium_page.get_by_text("/api/crm/automations", exact=False).first.wait_for(timeout=30_000)
    assert chromium_page.problems == []
