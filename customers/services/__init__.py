"""Every write to the customer book."""

from customers.services.customers import create_customer, delete_customer, restore_customer, update_customer

__all__ = ["create_customer", "delete_customer", "restore_customer", "update_customer"]
