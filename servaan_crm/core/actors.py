"""Who does something: a person, a till, a guest, or the system itself."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change, as services and the audit trail know it.

    ``user_id`` is set when a staff user (or the integrator behind an API key) acts;
    ``name`` is what people read in the history.
    """

    kind: Literal["user", "system", "guest"]
    name: str
    user_id: UUID | None = None
    role: str = ""


def system(name: str) -> Actor:
    """Return the actor for work nobody asked for by hand; ``name`` says which job."""
    return Actor(kind="system", name=name)
