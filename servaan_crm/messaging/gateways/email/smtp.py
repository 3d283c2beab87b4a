"""Django's SMTP backend, which remembers whether the text of a letter was already on its way when things broke."""

from __future__ import annotations

import ipaddress
import smtplib
import socket
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends import smtp
from django.core.mail.message import EmailMessage


class _Remembering:
    """What smtplib does not tell: a connection lost before DATA means surely not sent, after it nobody knows."""

    data_begun = False

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect; a café may not send us into our own network, unless the settings allow gateways there.

        Raises ``ImproperlyConfigured`` before the first packet leaves.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if not settings.LOCAL_GATEWAYS and not all(_is_public(str(entry[4][0])) for entry in found):
            raise ImproperlyConfigured("the mail server is in our own network")
        failed: OSError = ConnectionRefusedError()
        for entry in found:  # the addresses just looked at: asked again, the name could answer differently
            try:
                return super()._get_socket(entry[4][0], port, timeout)  # type: ignore[misc,no-any-return]
            except OSError as error:
                failed = error
        raise failed

    def data(self, msg: Any) -> Any:
        """Send the text of the letter."""
        self.data_begun = True
        return super().data(msg)  # type: ignore[misc]


def _is_public(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_global


class _Plain(_Remembering, smtplib.SMTP):
    pass


class _Encrypted(_Remembering, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """As Django's, with ``data_begun`` for the letter of the last call."""

    data_begun = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _Encrypted if self.use_ssl else _Plain

    def _send(self, email_message: EmailMessage) -> bool:
        self.data_begun = False
        line = self.connection  # a lost one is taken away from under us, so remember it
        if isinstance(line, _Remembering):
            line.data_begun = False
        try:
            return bool(super()._send(email_message))  # type: ignore[misc]
        finally:
            self.data_begun = isinstance(line, _Remembering) and line.data_begun
