"""Points for visits that came in a file, when the importer asked for them."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext_lazy

from customers.models import CustomerSummary, Visit
from loyalty.models import LedgerEntry
from loyalty.rules import compute_earning
from loyalty.selectors.program import get_rule_book
from loyalty.services.ledger import Movement, account_of, post, settle_tier
from servaan_crm.core.actors import Actor
from servaan_crm.core.features import is_enabled


def award_imported(actor: Actor, visit_ids: Sequence[UUID]) -> None:
    """Give the points today's rules give for the visits, in the order given; blocked guests get none.

    The caller holds the transaction that wrote the visits, with the guests' rows and summaries locked.
    """
    book = get_rule_book()
    if not book.is_active or not is_enabled("loyalty"):
        return
    visits = Visit.objects.select_related("customer").in_bulk(list(visit_ids))
    summaries = CustomerSummary.objects.in_bulk({visit.customer_id for visit in visits.values()})
    for visit in (visits[visit_id] for visit_id in visit_ids):
        customer = visit.customer
        if customer is None or customer.is_blocked:
            continue
        account, summary = account_of(customer), summaries[customer.pk]
        earning = compute_earning(
            book, tier=account.tier, final_amount=visit.final_amount, points_value=visit.points_value
        )
        if not earning.points:
            continue
        movement = Movement(
            type=LedgerEntry.Type.EARNED_PURCHASE,
            points=earning.points,
            description=gettext_lazy("Visit"),
            visit=visit,
            related_amount=visit.final_amount,
            explanation=earning.explanation,
        )
        post(actor=actor, customer=customer, account=account, movements=[movement], book=book)
        settle_tier(
            customer=customer, account=account, book=book, lifetime_spent=summary.lifetime_spent, visit=visit
        )
        account.save()
        Visit.objects.filter(pk=visit.pk).update(points_earned=earning.points)
        summary.points, summary.tier = account.balance, account.tier
        summary.save(update_fields=["points", "tier"])
