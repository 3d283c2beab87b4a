"""``/f/<token>``: how was it? A guest's own page for one visit; no login, no script, no cookie."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from feedback.links import Answer, LinkState, OpenedLink, answer_link, open_link
from feedback.models import LOW_RATING
from feedback.web.guest_forms import MOST_LETTERS, GuestFeedbackForm
from feedback.words import CATEGORIES, RATINGS, language_of
from servaan_crm.core.limits import seconds_to_wait
from servaan_crm.l10n.locale import get_locale, use_locale
from servaan_crm.tenancy.current import get_cafe


# The link itself is the key and no cookie is looked at: the browsers inside of messengers often keep none.
@method_decorator(csrf_exempt, name="dispatch")
class FeedbackPage(View):
    """Asks, takes one answer, and says thank you from then on."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in the café's language, or the one the guest chose here; refuse who asks too often."""
        chosen = request.GET.get("lang", "")
        language = chosen if chosen in dict(settings.LANGUAGES) else get_cafe().language
        with use_locale(replace(get_locale(), language=language)), translation.override(language):
            asked = {
                "guest_page": f"f:{kwargs['feedback_token']}",
                "guest_page_ip": request.META.get("REMOTE_ADDR", ""),
            }
            if wait := seconds_to_wait(asked):
                response: HttpResponseBase = render(request, "customers/opt_out_wait.html", status=429)
                response["Retry-After"] = str(wait)
            else:
                response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Content-Language"] = language
        return response

    def get(self, request: HttpRequest, feedback_token: str) -> HttpResponse:
        """Show the form, or what became of the link."""
        found = open_link(feedback_token)
        if found.state == LinkState.OPEN:
            return self._ask(request, found, GuestFeedbackForm())
        return self._tell(request, found)

    def post(self, request: HttpRequest, feedback_token: str) -> HttpResponse:
        """Take the answer; the page it leads to is the same address."""
        found = open_link(feedback_token)
        if found.state != LinkState.OPEN:
            return self._tell(request, found, is_too_late=True)
        form = GuestFeedbackForm(_read(request.POST), is_rated=found.said is not None)
        if not form.is_valid():
            return self._ask(request, found, form, status=422)
        comment = form.cleaned_data["comment"]
        answer = Answer(
            rating=form.cleaned_data["rating"],
            category_ratings=form.category_ratings,
            comment=comment,
            comment_language=language_of(comment),
            device_info={"user_agent": request.headers.get("User-Agent", "")[:200]},
            ip_address=_address(request),
        )
        found = answer_link(feedback_token, answer)
        if found.state == LinkState.OPEN:
            return HttpResponseRedirect(request.get_full_path(), status=303)
        return self._tell(request, found, is_too_late=True)

    @staticmethod
    def _ask(
        request: HttpRequest, found: OpenedLink, form: GuestFeedbackForm, *, status: int = 200
    ) -> HttpResponse:
        given = {name: str(form[name].value() or "") for name in ("rating", *CATEGORIES)}
        context = {
            "found": found,
            "form": form,
            "comment": form["comment"].value() or "",
            "most_letters": MOST_LETTERS,
            "faces": [(value, word, given["rating"] == str(value)) for value, word in RATINGS.items()],
            "said_word": RATINGS[found.said.rating] if found.said is not None else "",
            "categories": [
                (name, label, [(value, word, given[name] == str(value)) for value, word in RATINGS.items()])
                for name, label in CATEGORIES.items()
            ],
            "is_detailed": any(given[name] for name in CATEGORIES),
            "languages": _other_languages(),
        }
        return render(request, "feedback/guest.html", context, status=status)

    @staticmethod
    def _tell(request: HttpRequest, found: OpenedLink, *, is_too_late: bool = False) -> HttpResponse:
        """Say thank you, or why the link is of no use. ``is_too_late``: somebody tried to answer."""
        if found.state == LinkState.ANSWERED:
            is_low = found.said is not None and found.said.rating <= LOW_RATING
            context = {"found": found, "is_low": is_low, "is_too_late": is_too_late}
            return render(request, "feedback/guest_thanks.html", context, status=409 if is_too_late else 200)
        is_expired = found.state == LinkState.EXPIRED
        context = {"is_expired": is_expired}
        return render(request, "feedback/guest_closed.html", context, status=410 if is_expired else 404)


def _read(sent: QueryDict) -> QueryDict:
    """Return what was sent with line ends as the guest typed them: browsers make two letters of each."""
    given = sent.copy()
    if "comment" in given:
        given["comment"] = str(given["comment"]).replace("\r\n", "\n")
    return given


def _address(request: HttpRequest) -> str | None:
    """Return the caller's address; None behind a socket that has none."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _other_languages() -> list[tuple[str, str]]:
    now = translation.get_language()
    return [
        (code, translation.get_language_info(code)["name_local"])
        for code, _name in settings.LANGUAGES
        if code != now
    ]
