"""Guests and visits for the tests of several rooms."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from customers.models import Customer, CustomerSummary, Visit
from servaan_crm.accounts.models import Outlet

_numbers = itertools.count(1)


def make_customer(name: str = "مریم رضایی", **fields: Any) -> Customer:
    """Create a guest with its summary; ``summary`` holds fields of that row."""
    summary = fields.pop("summary", {})
    phone = fields.pop("phone", f"+98912{next(_numbers):07d}")
    customer = Customer.objects.create(name=name, phone=phone, **fields)
    CustomerSummary.objects.create(customer=customer, **summary)
    return customer


def make_visit(customer: Customer | None = None, **fields: Any) -> Visit:
    """Create a visit row as it is, without points or statistics."""
    if customer is not None and "visit_number" not in fields:
        fields["visit_number"] = customer.visits.count() + 1
    fields.setdefault("total_amount", 2_500_000)
    return Visit.objects.create(customer=customer, outlet=Outlet.objects.get(is_default=True), **fields)


@contextmanager
def without_feature(cast: Any, feature: str) -> Iterator[None]:
    """Switch a feature of the café off, for requests and for code that runs in the test itself."""
    before = cast.cafe.features
    cast.cafe.features = {**before, feature: False}
    cast.cafe.save()
    try:
        yield
    finally:
        cast.cafe.features = before
        cast.cafe.save()
