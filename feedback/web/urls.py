"""``/customers/<id>/tab/feedback/``: this room's part of the profile."""

from django.urls import path

from feedback.web.views import AnswerFeedback, FeedbackTab

app_name = "feedback"
urlpatterns = [
    path("<uuid:customer_id>/tab/feedback/", FeedbackTab.as_view(), name="customer-tab"),
    path(
        "<uuid:customer_id>/tab/feedback/<uuid:feedback_id>/",
        AnswerFeedback.as_view(),
        name="customer-tab-answer",
    ),
]
