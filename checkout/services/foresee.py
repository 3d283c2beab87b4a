"""What a bill would bring, before it is recorded: by the functions that record it, without a write."""

from dataclasses import dataclass, replace
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils import timezone

from checkout.services.discounts import Discounts, quote_discounts
from checkout.services.earning import bill_facts
from checkout.services.record import find_outlet
from checkout.services.request import VisitRequest
from customers.models import Customer
from loyalty.models import LoyaltyAccount
from loyalty.rules import Earning, RuleBook, compute_earning
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import get_account
from loyalty.services.confirmation import needs_confirmation
from servaan_crm.core.errors import DomainError
from servaan_crm.core.features import is_enabled


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bill would bring. Amounts are in the base unit.

    ``problems``: why something that is asked for takes nothing off; the rest is worked out without it.
    ``needs_code``: whether so many points would ask for the guest's SMS code.
    """

    earning: Earning
    discounts: Discounts
    balance_after: int
    points_value: Decimal
    to_pay: Decimal
    blocked: bool
    is_walk_in: bool
    needs_code: bool = False
    problems: tuple[str, ...] = ()


def preview_visit(request: VisitRequest, customer: Customer | None) -> Preview:
    """Work out the effects of a bill by the same rules as the checkout.

    Args:
        customer: the guest with its summary; None for a walk-in, and for a guest who is yet to be entered (then
            ``request.phone`` is set).
    """
    book = get_rule_book()
    account = get_account(customer) if customer else LoyaltyAccount()
    guest = customer or (None if request.is_walk_in else Customer(phone=request.phone or ""))
    request = _bounded(replace(request, visit_date=request.visit_date or timezone.now()))
    outlet_id = find_outlet(request.outlet_id)
    request = replace(request, outlet_id=outlet_id)
    discounts, problems = _discounts(request, guest, account.tier)
    final = request.total_amount - discounts.total
    value = min(final, request.points_to_redeem * book.point_value)
    blocked = bool(guest and guest.is_blocked) or not is_enabled("loyalty")
    earns = guest is not None and not blocked
    earning = _earning(request, book, account, customer, discounts, final, value) if earns else Earning(0)
    spent = request.points_to_redeem + discounts.points
    return Preview(
        earning=earning,
        discounts=discounts,
        balance_after=account.balance - spent + earning.points,
        points_value=value,
        to_pay=final - value,
        blocked=blocked,
        is_walk_in=guest is None,
        needs_code=needs_confirmation(book, spent),
        problems=problems,
    )


def _bounded(request: VisitRequest) -> VisitRequest:
    """Return a half-typed bill with a discount that is at most the bill."""
    total = max(Decimal(0), request.total_amount)
    discount = min(total, max(Decimal(0), request.discount_amount))
    return replace(request, total_amount=total, discount_amount=discount)


def _discounts(request: VisitRequest, guest: Customer | None, tier: str) -> tuple[Discounts, tuple[str, ...]]:
    """Return what the bill's code, vouchers and reward take off; what is refused is left out and said."""
    kept, problems = replace(request, discount_code="", voucher_codes=(), reward_id=None), []
    found = Discounts(Decimal(request.discount_amount))
    steps = [("discount_code", request.discount_code)] if request.discount_code else []
    wanted: list[tuple[str, object]] = [*steps, *(("voucher_codes", code) for code in request.voucher_codes)]
    if request.reward_id:
        wanted.append(("reward_id", request.reward_id))
    for name, value in wanted:
        more = (*kept.voucher_codes, value) if name == "voucher_codes" else value
        trial = replace(kept, **{name: more})  # type: ignore[arg-type]
        try:
            found = quote_discounts(trial, customer=guest, tier=tier, outlet_id=request.outlet_id, lock=False)
            kept = trial
        except ValidationError as error:
            problems += error.messages
        except DomainError as error:
            problems.append(str(error))
    return found, tuple(problems)


def _earning(
    request: VisitRequest,
    book: RuleBook,
    account: LoyaltyAccount,
    customer: Customer | None,
    discounts: Discounts,
    final: Decimal,
    value: Decimal,
) -> Earning:
    assert request.visit_date is not None
    facts = bill_facts(
        book,
        customer,
        at=request.visit_date,
        total_amount=request.total_amount,
        visit_number=customer.summary.last_visit_number + 1 if customer else 1,
        items=[item.as_json() for item in request.items],
        visit_type=request.visit_type,
        outlet_id=request.outlet_id,
        code=discounts.used_code,
    )
    return compute_earning(book, tier=account.tier, final_amount=final, points_value=value, facts=facts)
