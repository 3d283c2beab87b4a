"""Code, vouchers and reward of a recorded bill, when the bill is voided, restored, edited or moved."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import F, Sum
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.errors import PaidWithVoucher, RewardIsGone, VoucherIsGone
from customers.models import Customer, Visit
from loyalty.models import DiscountUse, LoyaltyAccount, Reward, Voucher
from loyalty.rules import RuleBook
from loyalty.services import codes, vouchers
from loyalty.services.ledger import Movement, post
from servaan_crm.core.actors import Actor
from servaan_crm.core.models import AuditEntry


def release(visit: Visit) -> tuple[Voucher, ...]:
    """Give back what a voided bill used; returns its vouchers as they are now. The caller holds the locks.

    The points of a reward bought on the bill come back with the bill's other entries.
    """
    freed = vouchers.release(visit) if visit.customer_id else []
    codes.release(visit)
    return tuple(freed)


def retake(
    *,
    actor: Actor,
    customer: Customer | None,
    account: LoyaltyAccount | None,
    visit: Visit,
    book: RuleBook | None,
) -> None:
    """Use again what the void of this bill gave back; points of a reward are posted to ``account``.

    Raises:
        VoucherIsGone, CodeUsedUp: it was used on another bill, or cancelled, meanwhile.
        RewardIsGone: the reward bought on the bill is sold out.
        InsufficientPoints: the guest has spent the reward's points meanwhile.
    """
    if customer is not None and account is not None and book is not None:
        for voucher, discount in _given_back(customer, visit):
            _use_again(actor, customer, account, book, visit, voucher, discount)
    codes.retake(visit, customer)


def _given_back(customer: Customer, visit: Visit) -> list[tuple[Voucher, Decimal]]:
    """Return the vouchers the last void of the visit gave back, with what each took off; the trail remembers."""
    held = Voucher.objects.filter(customer=customer).exclude(status=Voucher.Status.EXPIRED)
    own = {str(voucher_id) for voucher_id in held.values_list("pk", flat=True)}
    trail = AuditEntry.objects.filter(
        table_name=Voucher._meta.db_table, row_id__in=own, action="update", old__used_visit_id=str(visit.pk)
    )
    given = {row.row_id: Decimal(str(row.old["discount_given"])) for row in trail.order_by("pk") if row.old}
    rows = Voucher.objects.filter(pk__in=given).order_by("pk").select_related("entry", "reward")
    return [(voucher, given[str(voucher.pk)]) for voucher in rows.select_for_update(of=("self",))]


def _use_again(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    book: RuleBook,
    visit: Visit,
    voucher: Voucher,
    discount: Decimal,
) -> None:
    bought_here = voucher.entry is not None and voucher.entry.visit_id == visit.pk
    if bought_here and voucher.status == Voucher.Status.CANCELLED:
        _buy_again(actor, customer, account, book, visit, voucher)
    elif voucher.status != Voucher.Status.ISSUED:
        raise VoucherIsGone(params={"code": voucher.code}, details={"voucher_code": voucher.code})
    vouchers.mark_used([vouchers.VoucherQuote(voucher, discount)], visit, at=visit.visit_date)


def _buy_again(
    actor: Actor, customer: Customer, account: LoyaltyAccount, book: RuleBook, visit: Visit, voucher: Voucher
) -> None:
    """Pay the points again that the bill's reward cost then, and take it from the shelf again."""
    before = voucher.entry
    assert before is not None
    assert voucher.reward_id is not None
    shelf = Reward.objects.filter(pk=voucher.reward_id, stock__isnull=False)
    if shelf.exists() and not shelf.filter(stock__gt=0).update(stock=F("stock") - 1):
        raise RewardIsGone(params={"name": voucher.name}, details={"reward_id": str(voucher.reward_id)})
    payment = Movement(
        type=before.type,
        points=before.points,
        description=format_lazy(gettext_lazy("Reward: {name}"), name=voucher.name),
        visit=visit,
        related_amount=before.related_amount,
        explanation=before.explanation,
    )
    voucher.entry = post(actor=actor, customer=customer, account=account, movements=[payment], book=book)[-1]
    voucher.closed_reason = ""
    voucher.save(update_fields=["entry", "closed_reason", "updated_at"])


def check_discount(visit: Visit) -> None:
    """Raise ValidationError when the bill's discount is less than what its code and vouchers took off."""
    used = Voucher.objects.filter(used_visit=visit).aggregate(sum=Sum("discount_given"))["sum"] or Decimal(0)
    used += DiscountUse.objects.filter(visit=visit, reversed_at=None).aggregate(sum=Sum("amount"))["sum"] or 0
    if visit.discount_amount < used:
        text = _(
            "A code or voucher took a part of it off; the discount cannot be smaller. Void the bill instead."
        )
        raise ValidationError({"discount_amount": text})


def check_movable(visit: Visit) -> None:
    """Raise PaidWithVoucher when a voucher or a reward of the visit's guest was used on it."""
    if Voucher.objects.filter(used_visit=visit).exists():
        raise PaidWithVoucher(details={"visit_id": str(visit.pk)})


def code_for_rules(book: RuleBook, visit: Visit) -> str:
    """Return the code of the visit when a bonus rule asks for one; no query otherwise."""
    return codes.used_code(visit) if any(terms.campaign_code for terms in book.bonuses) else ""
