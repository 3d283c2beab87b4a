"""The shape of every refusal, and asking without leaving a trace."""

import json
import re
from typing import Any

from django.db import transaction

from servaan_crm.tests.addresses import REST, Address

_PERSIAN = re.compile(r"[\u0600-\u06ff]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
JSON = "application/json"
ERROR_KEYS = {"code", "message", "message_en", "details", "timestamp", "request_id"}


def envelope(answer: Any, where: str) -> str:
    """Assert that ``answer`` is a refusal in the shape of the contract; return its code."""
    assert 400 <= answer.status_code < 500 or answer.status_code == 503, f"{where} → {answer.status_code}"
    assert answer["Content-Type"].startswith("application/json"), where
    body = json.loads(answer.content)
    assert set(body) == {"success", "error"}, where
    assert body["success"] is False, where
    error = body["error"]
    assert set(error) == ERROR_KEYS, where
    assert re.fullmatch(r"[A-Z][A-Z_]+", error["code"]), where
    assert _PERSIAN.search(error["message"]), where
    assert not _PERSIAN.search(error["message_en"]), where
    assert _TIME.fullmatch(error["timestamp"]), where
    assert error["request_id"] == answer["X-Request-Id"], where
    assert isinstance(error["details"], dict), where
    assert "Traceback" not in answer.content.decode(), where
    return error["code"]


def good_or_envelope(answer: Any, where: str) -> None:
    if answer.status_code >= 300:
        envelope(answer, where)
        return
    if "/docs" in where or "/schema" in where:
        return
    if answer.streaming:
        assert answer["Content-Disposition"].startswith("attachment"), where
        return
    assert answer["Content-Type"].startswith("application/json"), where
    body = json.loads(answer.content)
    assert body["success"] is True, where
    assert "data" in body, where


def ask(
    client: Any, method: str, url: str, data: Any = b"", content_type: str = "application/json", **extra: Any
) -> Any:
    """Send one request in a savepoint that is always taken back."""
    point = transaction.savepoint()
    answer = client.generic(method, url, data, content_type, **extra)
    transaction.set_rollback(False)
    transaction.savepoint_rollback(point)
    return answer


def writing(addresses: list[Address]) -> list[tuple[str, Address]]:
    return [
        (method, address)
        for address in addresses
        for method in ("POST", "PUT", "PATCH")
        if method in address.methods
    ]


WRITING = writing(REST)
# What has nothing to read in a body, and what takes a form with a file.
BODILESS = ("/restore", "/commit", "/cancel", "/customers/import")
READS_BODY = [(method, address) for method, address in WRITING if not address.route.endswith(BODILESS)]


def name(value: Any) -> str:
    return str(value)
