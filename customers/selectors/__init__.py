"""Every reusable read of the customer book."""

from customers.selectors.customers import (
    CustomerList,
    all_customers,
    find_deleted,
    get_by_phone,
    get_customer,
    lookup,
)
from customers.selectors.derived import Facts, get_facts
from customers.selectors.search import search_customers
from customers.selectors.visits import list_visits, recent_visits, visit_timeline

__all__ = [
    "CustomerList",
    "Facts",
    "all_customers",
    "find_deleted",
    "get_by_phone",
    "get_customer",
    "get_facts",
    "list_visits",
    "lookup",
    "recent_visits",
    "search_customers",
    "visit_timeline",
]
