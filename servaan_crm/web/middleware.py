"""The language of a page: the reader's choice, else the café's."""

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from servaan_crm.l10n.locale import get_locale, use_locale

LANGUAGE_COOKIE = "servaan_language"


class CafeLanguageMiddleware:
    """Activates the language and lets digits and words follow it; country and calendar stay the café's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(LANGUAGE_COOKIE, "")
        locale = get_locale()
        language = chosen if chosen in dict(settings.LANGUAGES) else locale.language
        request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
        with use_locale(replace(locale, language=language)), translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response
