"""Bodies of the API."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose unknown keys are errors that name them and say which exist, beside all other errors.

    What is misspelt would otherwise be left out in silence: a discount that nobody gets.
    """

    def to_internal_value(self, data: Any) -> Any:
        """Read the body. Raises ValidationError naming every wrong and every unknown field."""
        errors: dict[str, Any] = {}
        if isinstance(data, dict):
            message = _("Unknown field. There are: %(known)s") % {"known": ", ".join(self.fields)}
            errors = {str(name): [message] for name in data if name not in self.fields}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not errors or not isinstance(error.detail, dict):
                raise
            raise serializers.ValidationError({**error.detail, **errors}) from None
        if errors:
            raise serializers.ValidationError(errors)
        return values


class EmptySerializer(StrictSerializer):
    """A body without fields."""
