"""No reference to a guest is forgotten by a merge."""

from django.apps import apps
from django.db import models

from customers.merging.registry import handled_fields
from customers.models import Customer


def references() -> set[str]:
    """Return every field of every model that names a guest: real keys, and ids without one."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if field.auto_created and not field.concrete:
                continue  # the other end of a key
            is_key = isinstance(field, models.ForeignKey) and field.related_model is Customer
            is_many = isinstance(field, models.ManyToManyField) and field.related_model is Customer
            is_bare_id = not field.is_relation and field.name.endswith("customer_id")
            if is_key or is_many or is_bare_id:
                found.add(f"{model._meta.label}.{field.name}")
    return found


def test_every_reference_to_a_guest_has_a_mover():
    forgotten = references() - handled_fields()
    assert not forgotten, f"no mover of a merge handles {', '.join(sorted(forgotten))}"


def test_movers_name_fields_that_exist():
    assert handled_fields() <= references()


def test_the_walk_sees_what_it_must():
    assert {
        "customers.Visit.customer",
        "customers.Customer_tags.customer",
        "customers.Customer.merged_into",
        "messaging.Message.customer_id",
        "loyalty.LoyaltyAccount.customer",
    } <= references()
