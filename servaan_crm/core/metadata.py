"""``OPTIONS`` on an address of the API."""

from typing import Any

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request


class MethodsMetadata(BaseMetadata):
    """The methods of the address, in the envelope of every answer; the rest is in the schema."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:
        """Return the body."""
        return {"success": True, "data": {"methods": list(view.allowed_methods)}}
