"""Secrets at rest: provider keys are stored encrypted, with keys that can be rotated."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class DecryptionError(ValueError):
    """The text was encrypted with a key that is not (or no longer) in ``FIELD_KEYS``."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(f"SERVAAN_FIELD_KEYS needs Fernet keys: {error}") from None


def _current() -> MultiFernet:
    return _cipher(tuple(settings.FIELD_KEYS))


def encrypt(text: str) -> str:
    """Encrypt ``text`` with the first of ``settings.FIELD_KEYS``."""
    return _current().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Decrypt what any of ``settings.FIELD_KEYS`` encrypted. Raises DecryptionError."""
    try:
        return _current().decrypt(token.encode()).decode()
    except InvalidToken:
        raise DecryptionError("no key in SERVAAN_FIELD_KEYS opens this value") from None


def rotate(token: str) -> str:
    """Encrypt ``token`` anew with the first key. Raises DecryptionError."""
    try:
        return _current().rotate(token.encode()).decode()
    except InvalidToken:
        raise DecryptionError("no key in SERVAAN_FIELD_KEYS opens this value") from None


class EncryptedTextField(models.TextField):
    """A text that the database holds encrypted. It cannot be searched; an empty text stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        """Decrypt on the way out."""
        return decrypt(value) if value else value
