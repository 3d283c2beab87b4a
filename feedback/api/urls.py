"""Addresses of this room."""

from feedback.api.links import FeedbackLinkView
from feedback.api.views import FeedbackView
from servaan_crm.core.urls import both

urlpatterns = [
    *both("feedback", FeedbackView.as_view(), name="feedback"),
    *both("visits/<uuid:visit_id>/feedback-link", FeedbackLinkView.as_view(), name="feedback-link"),
]
