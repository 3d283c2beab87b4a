"""Forms of the back office that do not overwrite a newer change unseen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from customers.seen import seen_in, token_of


class SeenForm(forms.ModelForm):
    """Carries the state of the row the person saw; the form's own fields follow in the subclass or the admin."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["seen"] = token_of(self.instance)


def seen_of(row: Any, changes: dict[str, Any]) -> datetime:
    """Take the state that was seen out of ``changes``; that of ``row`` when it is the newest. Raises EditConflict."""
    return seen_in({"seen": changes.pop("seen", "")}) or row.updated_at
