"""``Idempotency-Key`` for API views."""

import json
from collections.abc import Callable

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from servaan_crm.core.idempotency import Answer, run_once
from servaan_crm.core.models import IdempotencyRecord
from servaan_crm.core.responses import render

HEADER = "Idempotency-Key"


def answer_once(request: Request, action: Callable[[], Response]) -> HttpResponse:
    """Run ``action`` and return its answer; with a key seen before, return the first answer again.

    Bodies are compared by content: the same JSON with other spaces or key order is the same request.

    Raises:
        ValidationError: the key is longer than 255 characters or not printable.
        IdempotencyKeyReused: the key came before with another body.
    """
    key = _key(request)
    if not key:
        return action()
    raw = request._request.body

    def run() -> Answer:
        response = action()
        return Answer(status=response.status_code, body=render(response.data))

    answer = run_once(key=key, scope=_scope(request), payload=_canonical(raw), action=run)
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json; charset=utf-8")
    if answer.replayed:
        response["Idempotent-Replay"] = "true"
    return response


def was_answered(request: Request) -> bool:
    """Say whether a request with this key was answered before, so that ``answer_once`` will only repeat it.

    For what must happen once per request outside of the request's own transaction, such as counting a try.
    """
    key = _key(request)
    return bool(key) and IdempotencyRecord.objects.filter(scope=_scope(request), key=key).exists()


def _key(request: Request) -> str:
    key = request.headers.get(HEADER, "").strip()
    if len(key) > 255 or not key.isprintable():
        raise ValidationError({HEADER: [_("At most 255 printable characters.")]})
    return key


def _scope(request: Request) -> str:
    return f"{request.user.pk}:{request.method}:{request.path.rstrip('/')}"[:150]


def _canonical(raw: bytes) -> bytes:
    try:
        return json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):  # the parser will say what is wrong with it
        return raw
