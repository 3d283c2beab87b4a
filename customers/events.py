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


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerErased(Event):
    """A guest asked to be forgotten: each room that knows words of or about the guest takes them out."""

    name: ClassVar[str] = "customer.erased"
    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged(Event):
    """A guest agreed to marketing messages on ``channel`` ("all" too), or no longer does."""

    name: ClassVar[str] = "customer.consent_changed"
    customer_id: str
    channel: str
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersMerged(Event):
    """Two records of one person became one: everything of ``merged_id`` belongs to ``kept_id`` now."""

    name: ClassVar[str] = "customer.merged"
    merge_id: str
    kept_id: str
    merged_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeUndone(Event):
    """A merge was taken back: both guests are what they were before it."""

    name: ClassVar[str] = "customer.merge_undone"
    merge_id: str
    kept_id: str
    merged_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCompleted(Event):
    """A file was taken over. Its guests and visits are no news: nobody is welcomed or thanked for them."""

    name: ClassVar[str] = "import.completed"
    import_id: str
    kind: str
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUndone(Event):
    """An import was taken back; ``visits`` of it were voided."""

    name: ClassVar[str] = "import.undone"
    import_id: str
    kind: str
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersBulkChanged(Event):
    """Many guests were changed at once, in place of an event for each: ``BulkOperation.changed_ids`` names them."""

    name: ClassVar[str] = "customers.bulk_changed"
    bulk_id: str
    action: str
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestReplied(Event):
    """A guest wrote to one of the café's lines. ``meaning``: "rating" (a digit 1-5 that was asked for) or "text"."""

    name: ClassVar[str] = "guest.replied"
    customer_id: str
    inbound_id: str
    meaning: str
    channel: str
    body: str
