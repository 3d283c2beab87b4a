"""Optimistic locking of the club's catalogue: the time of the last change travels as ``ETag``."""

import re
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,16})"')
_START = datetime(1970, 1, 1, tzinfo=UTC)


def with_tag(response: Response, changed_at: datetime) -> Response:
    """Put the moment of the last change on the answer."""
    response["ETag"] = f'"{(changed_at - _START) // timedelta(microseconds=1)}"'
    return response


def seen_by(request: Request) -> datetime | None:
    """Return which state the client saw; None without ``If-Match``, or with ``*``.

    Raises ValidationError for a header that is none of ours.
    """
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    match = _ETAG.fullmatch(given)
    try:
        return _START + timedelta(microseconds=int(match[1])) if match else _bad()
    except OverflowError:
        return _bad()


def _bad() -> datetime:
    raise ValidationError({"If-Match": [_("Send back the ETag as you got it.")]})
