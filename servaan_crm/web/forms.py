"""Forms of the shell."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from servaan_crm.l10n.digits import to_ascii


class LoginForm(AuthenticationForm):
    """User name and password of the café in hand; one message for a wrong name and a wrong password."""

    error_messages = {
        "invalid_login": _("The user name or the password is not right."),
        "inactive": _("This account is switched off. Ask the owner of the café."),
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("User name")
        self.fields["password"].label = _("Password")
        self.fields["username"].widget.attrs |= {
            "autocomplete": "username",
            "dir": "ltr",
            "autocapitalize": "none",
        }
        self.fields["password"].widget.attrs |= {"dir": "ltr"}

    def clean_username(self) -> str:
        """Digits typed on a Persian keyboard are digits too."""
        return to_ascii(self.cleaned_data["username"]).strip()


class ThemeForm(forms.Form):
    """Light, dark, or what the device says."""

    theme = forms.ChoiceField(choices=[("light", _("Light")), ("dark", _("Dark")), ("auto", _("Automatic"))])
