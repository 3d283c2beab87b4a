"""Every address of a café, read from the resolver: an address added tomorrow is attacked tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver
from rest_framework.views import APIView

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")
_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Address:
    """One URL pattern: ``/api/crm/customers/{customer_id}`` and the view behind it."""

    route: str
    view: Any

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.route)

    @property
    def methods(self) -> list[str]:
        """The methods the view has code for; a function takes what comes."""
        if not isinstance(self.view, type):
            return ["GET", "POST"]
        return [name.upper() for name in self.view.http_method_names if hasattr(self.view, name)]

    @property
    def is_rest(self) -> bool:
        return isinstance(self.view, type) and issubclass(self.view, APIView)

    def url(self, values: dict[str, Any]) -> str:
        """Fill the parameters in. Raises KeyError naming one that nobody planted."""
        return _PARAMETER.sub(lambda match: str(values[match[1]]), self.route)

    def __str__(self) -> str:
        return self.route


def _walk(patterns: list[Any], prefix: str) -> Iterator[Address]:
    for pattern in patterns:
        part = _GROUP.sub(r"{\1}", _CONVERTER.sub(r"{\1}", str(pattern.pattern)))
        route = prefix + part.removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            view = pattern.callback
            yield Address(route, getattr(view, "cls", None) or getattr(view, "view_class", None) or view)


def every_address() -> list[Address]:
    """Return all addresses of a café but the two catch-alls, which stand for what is not there."""
    found = _walk(get_resolver("servaan_crm.urls").url_patterns, "/")
    return [address for address in found if ".*" not in address.route and "{url}" not in address.route]


ALL = every_address()
ADMIN = [address for address in ALL if address.route.startswith("/admin/")]
PAGES = [address for address in ALL if not address.route.startswith(("/api/", "/admin/"))]
API_SLASHED = [
    address for address in ALL if address.route.startswith("/api/") and address.route.endswith("/")
]
API = [address for address in ALL if address.route.startswith("/api/") and not address.route.endswith("/")]
CALLBACKS = [address for address in API if address.route.startswith("/api/callbacks/")]
REST = [address for address in API if address.is_rest]
CRM = [address for address in API if address.route.startswith("/api/crm/")]
