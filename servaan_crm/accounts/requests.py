"""The staff user behind a request that passed a permission check."""

from django.http import HttpRequest
from rest_framework.request import Request

from servaan_crm.accounts.models import User


def staff_of(request: HttpRequest | Request) -> User:
    """Return the logged-in staff user; only for views that refuse anonymous callers before."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("this view must not be reachable without a login")
    return user
