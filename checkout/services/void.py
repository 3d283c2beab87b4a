"""Taking a visit back: through the ledger, never by editing its past."""

from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.errors import VisitAlreadyVoided, VoidTooLate
from checkout.events import VisitVoided
from checkout.services import used
from checkout.services.receipt import VoidReceipt
from checkout.services.reversal import (
    lock_customer_of,
    lock_visit,
    open_entries,
    restore_tier,
    reverse_points,
    settle_summary,
)
from customers.models import Customer, Visit
from customers.services.visits import recount_summary
from loyalty.models import Voucher
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import status_of
from loyalty.services.ledger import account_of
from loyalty.services.stamps import unstamp_visit
from servaan_crm.core import events
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write

SAME_DAY = timedelta(hours=36)


@survives_deadlock
def void_visit(*, actor: Actor, visit_id: UUID, reason: str = "", may_void_old: bool = False) -> VoidReceipt:
    """Void a visit: points paid come back, points earned are taken back, the figures are counted again.

    Its discount code and its vouchers can be used again, a reward bought on it is given back, its stamps come off.

    Points that were already spent elsewhere cannot be taken back (a balance is never negative); how many
    is on the reversal row as ``shortfall`` and in the receipt. The visit keeps its number.

    Args:
        may_void_old: whether ``actor`` may void visits that were entered more than 36 hours ago.

    Raises:
        ValidationError: the reason is longer than 200 characters.
        VisitNotFound, VisitAlreadyVoided, VoidTooLate.
    """
    if len(reason) > 200:
        raise ValidationError({"reason": _("At most 200 characters.")})
    with write(actor):
        customer = lock_customer_of(visit_id)
        visit = lock_visit(visit_id, customer)
        if visit.is_voided:
            raise VisitAlreadyVoided(details={"visit_id": str(visit_id)})
        if not may_void_old and timezone.now() - visit.created_at > SAME_DAY:
            raise VoidTooLate
        visit.voided_at, visit.void_reason, visit.voided_by_id = timezone.now(), reason, actor.user_id
        visit.save(update_fields=["voided_at", "void_reason", "voided_by", "updated_at"])
        events.publish(VisitVoided(visit_id=visit.pk, customer_id=visit.customer_id))
        vouchers = used.release(visit)
        if customer is None:
            return VoidReceipt(visit=visit)
        return _undo(actor, customer, visit, vouchers)


def _undo(actor: Actor, customer: Customer, visit: Visit, vouchers: tuple[Voucher, ...]) -> VoidReceipt:
    book, account = get_rule_book(), account_of(customer)
    shortfall = reverse_points(
        actor=actor,
        customer=customer,
        account=account,
        visit=visit,
        book=book,
        entries=open_entries(visit),
        description=gettext_lazy("Visit voided"),
    )
    stamps = unstamp_visit(actor, customer, account, visit, book)
    recount_summary(customer.summary)
    restore_tier(customer, account, visit, book)
    settle_summary(customer, account)
    return VoidReceipt(
        visit=visit,
        customer=customer,
        status=status_of(book, account, customer),
        shortfall=shortfall + sum(loss.shortfall for loss in stamps),
        vouchers=vouchers,
        stamps=tuple(stamps),
    )
