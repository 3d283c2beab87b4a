"""The form behind a guest's link."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.words import CATEGORIES

MOST_LETTERS = 2000
_RATING = {
    "required": _("Please choose one of the five faces."),
    "invalid": _("Please choose one of the five faces."),
    "min_value": _("Please choose one of the five faces."),
    "max_value": _("Please choose one of the five faces."),
}


class GuestFeedbackForm(forms.Form):
    """An overall rating, and what a guest likes to add: ratings of single subjects, and words."""

    rating = forms.IntegerField(min_value=1, max_value=5, error_messages=_RATING)
    comment = forms.CharField(
        max_length=MOST_LETTERS,
        required=False,
        error_messages={"max_length": _("That is too long; please say it in 2,000 letters.")},
    )

    def __init__(self, *args: Any, is_rated: bool = False, **kwargs: Any) -> None:
        """``is_rated``: the rating was given before and is not asked for."""
        super().__init__(*args, **kwargs)
        self.fields["rating"].required = not is_rated
        for name in CATEGORIES:
            self.fields[name] = forms.IntegerField(min_value=1, max_value=5, required=False)

    def clean_rating(self) -> int:
        return self.cleaned_data["rating"] or 0

    @property
    def category_ratings(self) -> dict[str, int]:
        """Return subject → rating of those the guest rated."""
        return {name: value for name in CATEGORIES if (value := self.cleaned_data.get(name))}
