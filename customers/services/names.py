"""Names that only one row may have."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import IntegrityError


@contextmanager
def one_of_its_name(refusal: str, field: str = "name") -> Iterator[None]:
    """Say ``refusal`` about ``field`` to the slower one of two who give the same name at the same moment.

    The form's own check has passed for both; the database decides. Open the transaction inside. Raises ValidationError.
    """
    try:
        yield
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != "23505":
            raise
        raise ValidationError({field: [refusal]}) from None
