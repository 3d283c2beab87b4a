"""``Idempotency-Key`` for API views."""

import json
from collections.abc import Callable

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from servaan_crm.core.idempotency import Answer, run_once
from servaan_crm.core.responses import render

HEADER = "Idempotency-Key"


def answer_once(request: Request, action: Callable[[], Response]) -> HttpResponse:
    """Run ``action`` and return its answer; with a key seen before, return the first answer again.

    Bodies are compared by content: the same JSON with other spaces or key order is the same request.

    Raises:
        ValidationError: the key is longer than 255 characters or not printable.
        IdempotencyKeyReused: the key came before with another body.
    """
    key = request.headers.get(HEADER, "").strip()
    if not key:
        return action()
    if len(key) > 255 or not key.isprintable():
        raise ValidationError({HEADER: [_("At most 255 printable characters.")]})
    raw = request._request.body
    scope = f"{request.user.pk}:{request.method}:{request.path.rstrip('/')}"[:150]

    def run() -> Answer:
        response = action()
        return Answer(status=response.status_code, body=render(response.data))

    answer = run_once(key=key, scope=scope, payload=_canonical(raw), action=run)
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json; charset=utf-8")
    if answer.replayed:
        response["Idempotent-Replay"] = "true"
    return response


def _canonical(raw: bytes) -> bytes:
    try:
        return json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):  # the parser will say what is wrong with it
        return raw
