"""docs/api.md and the resolver name the same addresses, in both directions."""

from __future__ import annotations

import re
from pathlib import Path

from servaan_crm.tests.addresses import REST

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
_NAMED = re.compile(
    r"`((?:GET|POST|PUT|PATCH|DELETE)(?:, (?:GET|POST|PUT|PATCH|DELETE))*) (/api/crm/[^`?\s]+)[^`]*`"
)
_PARAMETER = re.compile(r"{\w+}")


def documented() -> set[tuple[str, str]]:
    """Return (method, address) of every call the document names."""
    return {
        (method, _PARAMETER.sub("{}", route).rstrip("/"))
        for methods, route in _NAMED.findall(DOCUMENT.read_text())
        for method in methods.split(", ")
    }


def existing() -> set[tuple[str, str]]:
    """Return (method, address) of every call there is."""
    return {
        (method, _PARAMETER.sub("{}", address.route))
        for address in REST
        if address.route.startswith("/api/crm/")
        for method in address.methods
        if method not in ("HEAD", "OPTIONS")
    }


def test_every_documented_call_exists() -> None:
    assert sorted(documented() - existing()) == []


def test_every_call_is_documented() -> None:
    assert sorted(existing() - documented()) == []
