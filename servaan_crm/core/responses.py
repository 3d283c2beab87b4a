"""The envelope of every answer under ``/api/``."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder


class CafeJSONEncoder(JSONEncoder):
    """Amounts are JSON numbers, times are UTC with ``Z``."""

    def default(self, obj: Any) -> Any:
        if isinstance(obj, Decimal):
            return int(obj) if obj == obj.to_integral_value() else float(obj)
        if isinstance(obj, datetime):
            text = obj.astimezone(UTC).isoformat(timespec="milliseconds" if obj.microsecond else "seconds")
            return text.replace("+00:00", "Z")
        return super().default(obj)


class CafeJSONRenderer(JSONRenderer):
    """DRF's renderer with our encoder."""

    encoder_class = CafeJSONEncoder
    charset = "utf-8"


def ok(data: dict[str, Any], status: int = 200) -> Response:
    """Return a successful answer: ``{"success": true, "data": …}``."""
    return Response({"success": True, "data": data}, status=status)


def render(body: dict[str, Any]) -> str:
    """Render ``body`` as the API would, for answers that are stored."""
    return json.dumps(body, cls=CafeJSONEncoder, ensure_ascii=False, separators=(",", ":"))
