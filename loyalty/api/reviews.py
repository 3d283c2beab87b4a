"""Reviews over HTTP."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.models import ReviewItem
from loyalty.selectors.reviews import guests_of, list_reviews, sentence_of
from loyalty.services.review_decisions import (
    MAX_NOTE,
    Decision,
    dismiss_review,
    reverse_review,
    watch_review,
)
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer


class ReviewFilters(serializers.Serializer[Any]):
    """The filters of the list."""

    status = serializers.ChoiceField(ReviewItem.Status.choices, required=False)
    signal = serializers.ChoiceField(ReviewItem.Signal.choices, required=False)
    customer_id = serializers.UUIDField(required=False)
    staff_id = serializers.UUIDField(required=False)


class ReviewNote(StrictSerializer):
    """Why somebody decided so."""

    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")


def review_payload(item: ReviewItem, guests: dict[UUID, str]) -> dict[str, Any]:
    """Return a review as the API shows it."""
    return {
        "id": item.pk,
        "signal": item.signal,
        "status": item.status,
        "score": item.score,
        "day": item.day,
        "customer_id": item.customer_id,
        "customer_name": item.customer.name if item.customer else None,
        "staff_id": item.staff_id,
        "staff_name": item.staff.display_name if item.staff else None,
        "sentence": sentence_of(item, guests),
        "evidence": item.evidence,
        "note": item.decision_note,
        "decided_at": item.decided_at,
        "decided_by": item.decided_by.display_name if item.decided_by else None,
        "created_at": item.created_at,
    }


class ReviewsView(APIView):
    """What looks like misuse."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    rate_area = "customers"

    @extend_schema(operation_id="loyalty_reviews_list", parameters=[ReviewFilters], responses={200: dict})
    def get(self, request: Request) -> Response:
        """List reviews, the worst first."""
        page, pagination = paginate(request, list_reviews(read_query(request, ReviewFilters)))
        items = list(page)
        guests = guests_of(items)
        return ok({"reviews": [review_payload(item, guests) for item in items], "pagination": pagination})


class DecisionView(APIView):
    """Base of the three decisions."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    rate_area = "customers"
    decide: ClassVar[Callable[..., Decision]]

    def answer(self, request: Request, review_id: UUID) -> HttpResponse:
        """Decide once, however often the request comes."""
        form = ReviewNote(data=request.data)
        form.is_valid(raise_exception=True)

        def decided() -> Response:
            done = type(self).decide(
                actor=staff_of(request).actor, review_id=review_id, note=form.validated_data["note"]
            )
            figures = {
                "entries_reversed": done.entries, "points_reversed": done.points, "shortfall": done.shortfall,
            }  # fmt: skip
            return ok({"review": review_payload(done.item, guests_of([done.item])), **figures})

        return answer_once(request, decided)


class DismissView(DecisionView):
    """Nothing to worry about."""

    decide = staticmethod(dismiss_review)

    @extend_schema(operation_id="loyalty_reviews_dismiss", request=ReviewNote, responses={200: dict})
    def post(self, request: Request, review_id: UUID) -> HttpResponse:
        """Dismiss a review."""
        return self.answer(request, review_id)


class WatchView(DecisionView):
    """Keep it in sight."""

    decide = staticmethod(watch_review)

    @extend_schema(operation_id="loyalty_reviews_watch", request=ReviewNote, responses={200: dict})
    def post(self, request: Request, review_id: UUID) -> HttpResponse:
        """Watch a review, also a dismissed one."""
        return self.answer(request, review_id)


class ReverseView(DecisionView):
    """Take the points back."""

    decide = staticmethod(reverse_review)

    @extend_schema(operation_id="loyalty_reviews_reverse", request=ReviewNote, responses={200: dict})
    def post(self, request: Request, review_id: UUID) -> HttpResponse:
        """Take back the points of the evidence that are still there."""
        return self.answer(request, review_id)
