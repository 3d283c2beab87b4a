"""``/api/auth/``."""

from servaan_crm.accounts.api.views import LogoutView, TokenRefreshView, TokenView
from servaan_crm.core.urls import both

urlpatterns = [
    *both("token", TokenView.as_view(), name="token"),
    *both("token/refresh", TokenRefreshView.as_view(), name="token-refresh"),
    *both("logout", LogoutView.as_view(), name="logout"),
]
