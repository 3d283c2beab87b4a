"""Reviews under ``/loyalty/``."""

from django.urls import path

from loyalty.web import reviews

urlpatterns = [
    path("reviews/", reviews.ReviewList.as_view(), name="reviews"),
    path("reviews/<uuid:review_id>/", reviews.ReviewPage.as_view(), name="review"),
    path("reviews/<uuid:review_id>/<str:action>/", reviews.DecideReview.as_view(), name="review-decide"),
]
