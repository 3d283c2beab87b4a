"""Reading saved views and recent searches."""

from django.db.models import Q

from customers.models import RecentSearch, SavedView
from servaan_crm.accounts.models import User

SHOWN_SEARCHES = 8


def list_views(user: User) -> list[SavedView]:
    """Return the person's own views and those shared with the team, by name; one query."""
    return list(SavedView.objects.filter(Q(user=user) | Q(is_shared=True)).order_by("name", "pk")[:60])


def recent_searches(user: User) -> list[str]:
    """Return what the person searched for lately, newest first."""
    rows = RecentSearch.objects.filter(user=user).order_by("-at", "-pk")
    return list(rows.values_list("query", flat=True)[:SHOWN_SEARCHES])
