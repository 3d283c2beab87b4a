"""Points of visits that came in a file, when the whole import is taken back."""

from __future__ import annotations

from itertools import groupby
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy

from checkout.services import used
from checkout.services.reversal import open_entries, restore_tier, reverse_points, settle_summary
from customers.models import Visit
from customers.services.visits import lock_customer
from loyalty.models import LedgerEntry, StampEntry
from loyalty.selectors.program import get_rule_book
from loyalty.services.ledger import account_of
from loyalty.services.stamps import unstamp_visit
from servaan_crm.core.actors import Actor


def reverse_imported(actor: Actor, visit_ids: list[UUID]) -> None:
    """Write the opposite of what the ledger holds for these voided visits, guest by guest.

    The caller holds the transaction and the guests' locks, and has counted the visit figures again. Visits without
    points and stamps cost nothing here.
    """
    with_points = LedgerEntry.objects.filter(visit_id__in=visit_ids).values("visit_id")
    with_stamps = StampEntry.objects.filter(visit_id__in=visit_ids).values("visit_id")
    visits = Visit.objects.filter(Q(pk__in=with_points) | Q(pk__in=with_stamps))
    visits = visits.order_by("customer_id", "-visit_number")
    book = get_rule_book()
    for customer_id, theirs in groupby(visits, key=lambda visit: visit.customer_id):
        customer = lock_customer(customer_id=customer_id, deleted_too=True)
        account = account_of(customer)
        for visit in theirs:
            used.release(visit)
            reverse_points(
                actor=actor, customer=customer, account=account, visit=visit, book=book,
                entries=open_entries(visit), description=gettext_lazy("Import undone"),
            )  # fmt: skip
            unstamp_visit(actor, customer, account, visit, book)
            restore_tier(customer, account, visit, book)
        settle_summary(customer, account)
