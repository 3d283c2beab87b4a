"""Reviews: what looks like misuse, with the evidence in sentences, and what a person decides about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from loyalty.models import LedgerEntry, ReviewItem
from loyalty.review_errors import ReviewNotFound
from loyalty.selectors.reviews import (
    SHOWN,
    count_by_status,
    entries_of,
    foresee_reversal,
    get_review,
    guests_of,
    list_reviews,
    sentence_of,
    visits_of,
)
from loyalty.services.review_decisions import Decision, dismiss_review, reverse_review, watch_review
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError
from servaan_crm.l10n.money import format_number

PER_PAGE = 30
TONES = {"open": "bad", "watching": "warn", "dismissed": "mute", "reversed": "ok"}
ACTIONS = {"dismiss": dismiss_review, "watch": watch_review, "reverse": reverse_review}


class ReviewList(RolePage, View):
    """All reviews, the worst first; those that wait for a decision unless another state is chosen."""

    permission = P.LOYALTY_MANAGE

    def get(self, request: HttpRequest) -> HttpResponse:
        status = request.GET.get("status", "")
        status = status if status in (*ReviewItem.Status.values, "all") else ""
        signal = request.GET.get("signal", "")
        signal = signal if signal in ReviewItem.Signal.values else ""
        rows = list_reviews(
            {"status": "" if status == "all" else status or ReviewItem.Status.OPEN, "signal": signal}
        )
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        items = list(page.object_list)
        guests, counts = guests_of(items), count_by_status()
        context = {
            "page_obj": page,
            "reviews": [shown(item, guests) for item in items],
            "status": status,
            "signal": signal,
            "chips": [
                ("" if value == ReviewItem.Status.OPEN else value, label, counts[value])
                for value, label in ReviewItem.Status.choices
            ],
            "signals": ReviewItem.Signal.choices,
        }
        return render(request, "loyalty/reviews.html", context)


class ReviewPage(RolePage, View):
    """One review: its evidence row by row, and what can be done about it."""

    permission = P.LOYALTY_MANAGE

    def get(self, request: HttpRequest, review_id: UUID) -> HttpResponse:
        item = get_review(review_id)
        entries = entries_of([item])[item.pk]
        may_reverse = item.status in (ReviewItem.Status.OPEN, ReviewItem.Status.WATCHING)
        context = {
            "review": shown(item, guests_of([item])),
            "item": item,
            "entries": [entry_shown(row) for row in entries[:SHOWN]],
            "more": max(0, len(entries) - SHOWN),
            "visits": visits_of(item) if not entries else [],
            "guests": guests_of([item]),
            "foreseen": foresee_reversal(item, entries) if may_reverse else None,
            "may_dismiss": may_reverse,
            "may_watch": item.status in (ReviewItem.Status.OPEN, ReviewItem.Status.DISMISSED),
        }
        return render(request, "loyalty/review.html", context)


class DecideReview(RolePage, View):
    """Dismiss, watch or take back."""

    permission = P.LOYALTY_MANAGE

    def post(self, request: HttpRequest, review_id: UUID, action: str) -> HttpResponse:
        decide = ACTIONS.get(action)
        if decide is None:
            raise Http404
        try:
            done = decide(actor=self.actor, review_id=review_id, note=request.POST.get("note", ""))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except ReviewNotFound:
            raise
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, told(action, done))
        return redirect("loyalty:review", review_id)


def told(action: str, done: Decision) -> str:
    """Return what a decision did, in a sentence."""
    if action == "dismiss":
        return _("The review was dismissed.")
    if action == "watch":
        return _("The review stays in sight.")
    text = ngettext("%(shown)s point was taken back.", "%(shown)s points were taken back.", done.points)
    text = text % {"shown": format_number(done.points)}
    if done.shortfall:
        text += " " + _("%(shown)s were spent already and could not be taken back.") % {
            "shown": format_number(done.shortfall)
        }
    return text


def shown(item: ReviewItem, guests: dict[UUID, str]) -> dict[str, Any]:
    """Return a review with its evidence as a sentence and its state in words."""
    return {
        "item": item,
        "sentence": sentence_of(item, guests),
        "label": item.get_status_display(),
        "tone": TONES[item.status],
    }


def entry_shown(entry: LedgerEntry) -> dict[str, Any]:
    """Return a row of evidence and whether it was taken back."""
    return {"entry": entry, "is_reversed": bool(entry.reversals.all())}
