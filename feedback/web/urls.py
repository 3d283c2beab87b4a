"""``/feedback/``."""

from django.urls import path

from feedback.web.views import AnswerFeedback, FeedbackTab

app_name = "feedback"
urlpatterns = [
    path("customers/<uuid:customer_id>/", FeedbackTab.as_view(), name="customer-tab"),
    path(
        "customers/<uuid:customer_id>/<uuid:feedback_id>/",
        AnswerFeedback.as_view(),
        name="customer-tab-answer",
    ),
]
