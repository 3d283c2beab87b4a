"""What happens to guests, for the rooms that follow it."""

from dataclasses import dataclass
from typing import ClassVar

from servaan_crm.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCreated(Event):
    """A guest was entered into the book. ``phone`` is E.164."""

    name: ClassVar[str] = "customer.created"
    customer_id: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUpdated(Event):
    """A person changed a guest's data; ``fields`` names what."""

    name: ClassVar[str] = "customer.updated"
    customer_id: str
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDeleted(Event):
    """A guest was taken out of the book; it can come back."""

    name: ClassVar[str] = "customer.deleted"
    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRestored(Event):
    """A deleted guest is back."""

    name: ClassVar[str] = "customer.restored"
    customer_id: str
