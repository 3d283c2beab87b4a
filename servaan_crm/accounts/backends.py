"""Login against the café's own users, and Django's admin permissions read from our table."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from servaan_crm.accounts.permissions import P, can

# Django asks "app.action_model"; this says which of our permissions answers, by app and action.
_ADMIN: dict[str, tuple[P, P]] = {
    "customers": (P.CUSTOMERS_VIEW, P.CUSTOMERS_EDIT),
    "loyalty": (P.LOYALTY_VIEW, P.LOYALTY_MANAGE),
    "segments": (P.SEGMENTS_VIEW, P.SEGMENTS_MANAGE),
    "campaigns": (P.CAMPAIGNS_VIEW, P.CAMPAIGNS_MANAGE),
    "messaging": (P.MESSAGES_VIEW, P.PROVIDERS_MANAGE),
    "feedback": (P.FEEDBACK_VIEW, P.FEEDBACK_MANAGE),
    "outreach": (P.OUTREACH_WORK, P.OUTREACH_MANAGE),
    "analytics": (P.ANALYTICS_VIEW, P.ANALYTICS_VIEW),
    "accounts": (P.STAFF_MANAGE, P.STAFF_MANAGE),
    "core": (P.AUDIT_VIEW, P.AUDIT_VIEW),
}


def admin_permission(user: Any, perm: str) -> bool:
    """Say whether the role of ``user`` grants Django's ``perm``, e.g. "customers.change_customer"."""
    app, _, action = perm.partition(".")
    pair = _ADMIN.get(app)
    if pair is None or not can(user, P.ADMIN_SITE):
        return False
    view, change = pair
    if action.startswith("view_"):
        return can(user, view)
    if app == "customers" and action.startswith("delete_"):
        return can(user, P.CUSTOMERS_DELETE)
    return can(user, change)


class RoleBackend(BaseBackend):
    """User name and password of the café in hand."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        from servaan_crm.accounts.models import User

        if not username or password is None:
            return None
        user = User.objects.filter(username=username).first()
        if user is None:
            User().set_password(password)  # the same time whether the name exists or not
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> Any:
        from servaan_crm.accounts.models import User

        return User.objects.select_related("outlet").filter(pk=user_id, is_active=True).first()
