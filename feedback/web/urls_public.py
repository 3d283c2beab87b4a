"""``/f/``: short, and without a slash at the end, because it travels by SMS."""

from django.urls import path

from feedback.web.guest import FeedbackPage

urlpatterns = [path("<str:feedback_token>", FeedbackPage.as_view(), name="guest-feedback")]
