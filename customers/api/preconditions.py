"""Optimistic locking over HTTP: the version travels as ``ETag`` and comes back as ``If-Match``."""

import re

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from customers.models import Customer

_ETAG = re.compile(r'(?:W/)?"v?([0-9]{1,9})"|([0-9]{1,9})')


def with_version(response: Response, customer: Customer) -> Response:
    """Put the customer's version on the answer."""
    response["ETag"] = f'"v{customer.version}"'
    return response


def expected_version(request: Request) -> int | None:
    """Return the version the client saw; None when it does not care (no ``If-Match``, or ``*``).

    Raises ValidationError for a header that is none of ours.
    """
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    match = _ETAG.fullmatch(given)
    if match is None:
        raise ValidationError({"If-Match": [_("Send back the ETag of the customer as you got it.")]})
    return int(match[1] or match[2])
