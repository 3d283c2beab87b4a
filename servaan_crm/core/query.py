"""Reading the query of a GET: what is not known is an error, not silently ignored."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

PAGING = ("page", "limit")


def read_query(
    request: Request, form: type[Serializer[Any]], *, extra: tuple[str, ...] = PAGING
) -> dict[str, Any]:
    """Return the query parameters that were given, validated by the serializer class ``form``.

    ``extra`` names the parameters that somebody else reads. Raises ValidationError that names an unknown
    parameter and lists the known ones, or says what is wrong with a value.
    """
    filters = form(data=request.query_params.dict())
    known = sorted([*filters.fields, *extra])
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        message = _("Unknown parameter. There are: %(known)s") % {"known": ", ".join(known)}
        raise ValidationError({name: [message] for name in unknown})
    filters.is_valid(raise_exception=True)
    return dict(filters.validated_data)
