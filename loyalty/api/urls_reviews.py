"""``/api/crm/loyalty/reviews``."""

from loyalty.api import reviews
from servaan_crm.core.urls import both

urlpatterns = [
    *both("loyalty/reviews", reviews.ReviewsView.as_view(), name="loyalty-reviews"),
    *both(
        "loyalty/reviews/<uuid:review_id>/dismiss",
        reviews.DismissView.as_view(),
        name="loyalty-review-dismiss",
    ),
    *both("loyalty/reviews/<uuid:review_id>/watch", reviews.WatchView.as_view(), name="loyalty-review-watch"),
    *both(
        "loyalty/reviews/<uuid:review_id>/reverse",
        reviews.ReverseView.as_view(),
        name="loyalty-review-reverse",
    ),
]
