"""Addresses of this room."""

from feedback.api.views import FeedbackView
from servaan_crm.core.urls import both

urlpatterns = [*both("feedback", FeedbackView.as_view(), name="feedback")]
