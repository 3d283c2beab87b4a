"""Reviews in the back office: read, and decided through the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from loyalty.models import ReviewItem
from loyalty.selectors.reviews import guests_of, sentence_of
from loyalty.services.review_decisions import Decision, dismiss_review, reverse_review, watch_review
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.admin_display import ReadOnlyAdmin
from servaan_crm.core.errors import DomainError


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    """What looks like misuse of the club."""

    list_display = ("day", "signal", "score", "customer", "staff", "status", "evidence_in_words")
    list_filter = ("status", "signal")
    list_select_related = ("customer", "staff")
    search_fields = ("customer__name", "=customer__phone", "=staff__username")
    ordering = ("-score", "-created_at")
    actions = ("dismiss", "watch", "reverse")  # type: ignore[assignment]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether the role may decide about reviews."""
        return can(request.user, P.LOYALTY_MANAGE)

    @admin.display(description=_("evidence"))
    def evidence_in_words(self, item: ReviewItem) -> str:
        """The evidence as a sentence."""
        return sentence_of(item, guests_of([item]))

    @admin.action(description=_("Dismiss"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[ReviewItem]) -> None:
        """Nothing to worry about."""
        self._decide(request, rows, dismiss_review)

    @admin.action(description=_("Watch"), permissions=["decide"])
    def watch(self, request: HttpRequest, rows: QuerySet[ReviewItem]) -> None:
        """Keep in sight."""
        self._decide(request, rows, watch_review)

    @admin.action(description=_("Take the points back"), permissions=["decide"])
    def reverse(self, request: HttpRequest, rows: QuerySet[ReviewItem]) -> None:
        """Take back the points of the evidence that are still there."""
        self._decide(request, rows, reverse_review)

    def _decide(
        self, request: HttpRequest, rows: QuerySet[ReviewItem], decide: Callable[..., Decision]
    ) -> None:
        actor: Any = request.user.actor  # type: ignore[union-attr]
        for item in rows:
            try:
                decide(actor=actor, review_id=item.pk)
            except DomainError as error:
                self.message_user(request, str(error), messages.ERROR)
