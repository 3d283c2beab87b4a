"""The customer book."""

from customers.models.customer import Customer, CustomerSummary, Tag
from customers.models.menu import MenuItem
from customers.models.visit import Visit

__all__ = ["Customer", "CustomerSummary", "MenuItem", "Tag", "Visit"]
