"""Saved states of the customer list, and what a person searched for lately."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.bulk_target import LOOK
from customers.filters import CustomerFilter
from customers.models import RecentSearch, SavedView
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.errors import NotFound, PermissionDenied

KEPT_SEARCHES = 8
MAX_VIEWS = 30
# What a view keeps besides the filters: the order of the rows.
_KEPT = ("sort", "order")


def save_view(*, user: User, name: str, query: str, shared: bool = False) -> SavedView:
    """Keep the list's filters and order under a name; a view of the same name gets the new ones.

    Raises ValidationError: no name, filters that are not valid, or too many views; PermissionDenied for sharing.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or "\x00" in name:
        raise ValidationError({"name": [_("Give the view a name of at most 60 letters.")]})
    _may_share(user, shared)
    data = _clean_query(query)
    if SavedView.objects.filter(user=user).exclude(name=name).count() >= MAX_VIEWS:
        raise ValidationError({"name": [_("There are many saved views already. Delete one first.")]})
    view, _is_new = SavedView.objects.update_or_create(
        user=user, name=name, defaults={"query": data, "is_shared": shared}
    )
    return view


def change_view(*, user: User, view_id: UUID, name: str, shared: bool) -> SavedView:
    """Rename or share a view of one's own. Raises NotFound, ValidationError, PermissionDenied."""
    view = _own_view(user, view_id)
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or "\x00" in name:
        raise ValidationError({"name": [_("Give the view a name of at most 60 letters.")]})
    if shared != view.is_shared:
        _may_share(user, shared)
    view.name, view.is_shared = name, shared
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise ValidationError({"name": [_("You have a view of this name.")]}) from None
    return view


def delete_view(*, user: User, view_id: UUID) -> None:
    """Delete a view of one's own; managers also delete shared ones. Raises NotFound."""
    _own_view(user, view_id).delete()


def remember_search(*, user: User, query: str) -> None:
    """Put ``query`` on top of the person's recent searches; the oldest beyond eight goes."""
    query = " ".join(query.split())[:100]
    if len(query) < 2 or "\x00" in query:
        return
    RecentSearch.objects.update_or_create(user=user, query=query, defaults={"at": timezone.now()})
    kept = RecentSearch.objects.filter(user=user).order_by("-at", "-pk").values("pk")[:KEPT_SEARCHES]
    RecentSearch.objects.filter(user=user).exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()


def clear_searches(*, user: User) -> None:
    """Forget the person's recent searches."""
    RecentSearch.objects.filter(user=user).delete()


def _may_share(user: User, shared: bool) -> None:
    if shared and not can(user, P.CUSTOMERS_DELETE):
        raise PermissionDenied(details={"permission": str(P.CUSTOMERS_DELETE)})


def _own_view(user: User, view_id: UUID) -> SavedView:
    mine = Q(user=user)
    if can(user, P.CUSTOMERS_DELETE):
        mine |= Q(is_shared=True)
    view = SavedView.objects.filter(mine, pk=view_id).first()
    if view is None:
        raise NotFound(details={"view_id": str(view_id)})
    return view


def _clean_query(query: str) -> str:
    data = QueryDict(query[:4000], mutable=True)
    for name in LOOK:
        if name not in _KEPT:
            data.pop(name, None)
    for name in [name for name, value in data.items() if not value]:
        data.pop(name)
    if problems := CustomerFilter(data).problems():
        raise ValidationError(problems)  # type: ignore[arg-type]
    kept = data.urlencode()
    if len(kept) > 1000:
        raise ValidationError({"query": [_("These filters are too long to be kept.")]})
    return kept
