"""What guests are asked about, in their words."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

#: Rating → its word. Shown under a face.
RATINGS: dict[int, str | Promise] = {
    1: pgettext_lazy("rating of a visit", "Awful"),
    2: pgettext_lazy("rating of a visit", "Poor"),
    3: pgettext_lazy("rating of a visit", "Okay"),
    4: pgettext_lazy("rating of a visit", "Good"),
    5: pgettext_lazy("rating of a visit", "Great"),
}
#: Subjects a guest may rate one by one; the names are those of the API.
CATEGORIES: dict[str, str | Promise] = {
    "service": _("Service and welcome"),
    "quality": _("Food and drinks"),
    "ambiance": _("Atmosphere"),
    "value": _("Value for money"),
    "wait_time": _("Waiting time"),
}
_PERSIAN = re.compile("[\u0600-\u06ff]")
_LATIN = re.compile("[A-Za-z]")


def language_of(text: str) -> str:
    """Return "fa" or "en" by the letters of ``text``; "" where it has neither."""
    if _PERSIAN.search(text):
        return "fa"
    return "en" if _LATIN.search(text) else ""
