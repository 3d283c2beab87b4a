"""The feedback tab of a guest's profile."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.selectors import get_customer
from customers.web.tabs import TabPage
from feedback.models import Feedback
from feedback.selectors import list_feedback
from feedback.services import answer_feedback
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.errors import NotFound

PER_PAGE = 20


class FeedbackTab(TabPage):
    """What this guest said, newest first, with the answers of the café."""

    tab = "feedback"
    template_name = "feedback/customer_tab.html"
    permission = P.FEEDBACK_VIEW

    def context(self, customer: Customer) -> dict[str, Any]:
        rows = list_feedback().filter(customer=customer)
        page = Paginator(rows, PER_PAGE).get_page(self.request.GET.get("page", "1"))
        return {
            "page_obj": page,
            "can_answer": can(self.request.user, P.FEEDBACK_MANAGE) and customer.deleted_at is None,
        }


class AnswerFeedback(FeedbackTab):
    """Note the café's answer, and whether the matter is settled."""

    permission = P.FEEDBACK_MANAGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, customer_id: UUID, feedback_id: UUID) -> HttpResponse:
        """Write answer and state down; what the form leaves out stays."""
        customer = get_customer(customer_id)
        if not Feedback.objects.filter(pk=feedback_id, customer=customer).exists():
            raise NotFound(details={"feedback_id": str(feedback_id)})
        try:
            answer_feedback(
                actor=self.actor,
                feedback_id=feedback_id,
                response_text=request.POST.get("response_text"),
                status=request.POST.get("status") or None,
            )
        except ValidationError as error:
            return self.show(customer, status=422, wrong=feedback_id, error=" ".join(error.messages))
        return self.done(customer, _("The feedback was saved."))
