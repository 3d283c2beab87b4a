"""Guests and visits for tests. Customers are made by the service, visits as rows with a right summary."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from customers.models import Customer, Visit
from customers.services import create_customer
from customers.services.visits import recount_summary
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.actors import system

ACTOR = system("test")


def make_customer(number: int | str = 1, name: str = "سارا کریمی", **fields: Any) -> Customer:
    """Enter a guest; ``number`` 7 has the phone 09120000007."""
    phone = number if isinstance(number, str) else f"0912{number:07d}"
    summary = {key: fields.pop(key) for key in list(fields) if key in _SUMMARY}
    customer = create_customer(actor=ACTOR, phone=phone, name=name, **fields)
    if summary:
        for key, value in summary.items():
            setattr(customer.summary, key, value)
        customer.summary.last_visit_number = customer.summary.total_visits
        customer.summary.save()
    return customer


_SUMMARY = {"total_visits", "lifetime_spent", "first_visit_at", "last_visit_at", "segment", "tier", "points"}


def make_visit(customer: Customer, amount: int = 100_000, *, days_ago: float = 0, **fields: Any) -> Visit:
    """Write one visit of the guest and bring the summary up to date."""
    at: datetime = timezone.now() - timedelta(days=days_ago)
    summary = customer.summary
    summary.last_visit_number += 1
    visit = Visit.objects.create(
        **{
            "customer": customer,
            "visit_number": summary.last_visit_number,
            "visit_date": at,
            "outlet": Outlet.objects.get(is_default=True),
            "total_amount": Decimal(amount),
            "payment_method": "cash",
            "items": [
                {"name": "اسپرسو", "category": "", "quantity": 2, "unit_price": 45000, "total_price": 90000}
            ],
            **fields,
        }
    )  # fmt: skip
    recount_summary(summary)
    summary.save()
    return visit
