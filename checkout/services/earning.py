"""What a bill earns, from the facts of the visit: shared by recording, correcting and previewing."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from customers.models import Customer, Visit
from loyalty.rules import BillFacts, BillLine, BonusTerms, Earning, RuleBook
from loyalty.selectors.simulate import VISIT_TYPES, earned_today
from loyalty.services.ledger import Movement
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import search_key

__all__ = ["AMOUNTS", "VISIT_TYPES", "bill_facts", "deciding_fields", "earning_movements", "facts_of"]

AMOUNTS = {"total_amount", "discount_amount"}
_DESCRIPTIONS: dict[str, Promise] = {
    "earned_purchase": gettext_lazy("Visit"),
    "earned_birthday": gettext_lazy("Birthday bonus"),
    "earned_bonus": gettext_lazy("Bonus"),
}


def bill_facts(
    book: RuleBook,
    customer: Customer | None,
    *,
    at: datetime,
    total_amount: Decimal,
    visit_number: int,
    items: Iterable[Mapping[str, Any]] = (),
    visit_type: str = "",
    outlet_id: UUID | None = None,
    code: str = "",
    visit_id: UUID | None = None,
) -> BillFacts:
    """Return what the bonus rules look at. One query, and only when the program has a cap per day.

    Args:
        at: when the visit was, aware.
        total_amount: the bill before any discount, base unit.
        visit_number: the number of this visit of the guest.
        items: the lines as stored on a visit.
        code: the discount code used on the bill.
        visit_id: a visit recorded before, whose own points do not count into the cap of the day.
    """
    lines = tuple(_line(item) for item in items) if any(terms.is_for_items for terms in book.bonuses) else ()
    capped = book.max_points_per_day is not None and customer is not None
    return BillFacts(
        at=at.astimezone(get_locale().tz),
        total_amount=total_amount,
        visit_number=visit_number,
        lines=lines,
        birthday=customer.birthday if customer else None,
        code=code,
        visit_type=visit_type,
        outlet_id=str(outlet_id or ""),
        earned_today=earned_today(customer.pk, visit_id) if capped and customer else 0,
    )


def facts_of(book: RuleBook, customer: Customer, visit: Visit, code: str = "") -> BillFacts:
    """Return the facts of a recorded visit."""
    return bill_facts(
        book,
        customer,
        at=visit.visit_date,
        total_amount=Decimal(visit.total_amount),
        visit_number=visit.visit_number or 0,
        items=visit.items,
        visit_type=visit.visit_type,
        outlet_id=visit.outlet_id,
        code=code,
        visit_id=visit.pk,
    )


def _line(item: Mapping[str, Any]) -> BillLine:
    return BillLine(
        item_key=search_key(str(item.get("name") or "")),
        category_key=search_key(str(item.get("category") or "")),
        quantity=int(item.get("quantity") or 0),
        amount=Decimal(str(item.get("total_price") or 0)),
    )


def earning_movements(visit: Visit, earning: Earning, description: str | Promise = "") -> list[Movement]:
    """Return the ledger movements of an earning: the purchase, and one for each bonus under its own name.

    Args:
        description: what the purchase is called in the ledger; "Visit" when empty.
    """
    final = Decimal(visit.total_amount) - Decimal(visit.discount_amount)
    return [
        Movement(
            type=part.type,
            points=part.points,
            description=part.name or description or _DESCRIPTIONS[part.type],
            visit=visit,
            related_amount=final,
            explanation=part.explanation,
        )
        for part in earning.parts
    ]


def deciding_fields(book: RuleBook) -> set[str]:
    """Return the fields of a visit that decide about its points under these rules."""
    bonuses, found = book.bonuses, set(AMOUNTS)
    if any(terms.is_for_items for terms in bonuses):
        found.add("items")
    if any(terms.visit_types for terms in bonuses):
        found.add("visit_type")
    if any(terms.outlets for terms in bonuses):
        found.add("outlet_id")
    if book.starts_on or book.ends_on or any(_is_timed(terms) for terms in bonuses):
        found.add("visit_date")
    return found


def _is_timed(terms: BonusTerms) -> bool:
    times = (terms.starts_on, terms.ends_on, terms.from_time, terms.until_time, terms.birthday_days)
    return bool(terms.weekdays) or any(value is not None for value in times)
