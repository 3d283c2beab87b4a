"""Addresses of the API answer with and without the trailing slash."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path


def both(route: str, view: Callable[..., HttpResponseBase], name: str) -> list[URLPattern]:
    """Return the pattern for ``route`` under ``name``, and the same one with a trailing slash."""
    return [path(route, view, name=name), path(f"{route}/", view)]
