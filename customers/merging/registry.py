"""Who moves what when two guests become one.

Every table that names a guest has a mover. Rooms register theirs in ``AppConfig.ready``; a test walks all models
and fails for a reference to a guest that no mover handles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection, models
from django.utils.functional import Promise

from customers.models import Customer
from servaan_crm.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge or its undoing. Both guests are locked and carry their summaries."""

    id: UUID
    actor: Actor
    kept: Customer
    merged: Customer

    @property
    def ids(self) -> list[UUID]:
        """Return both ids, the kept one first."""
        return [self.kept.pk, self.merged.pk]


@dataclass(frozen=True, slots=True)
class Part:
    """How many rows of one kind move; ``code`` is its name in the API."""

    code: str
    label: str | Promise
    icon: str
    count: int


@dataclass(slots=True)
class Outcome:
    """What the kept guest will be: filled by the movers, each with what it knows."""

    total_visits: int = 0
    lifetime_spent: Any = 0
    points: int = 0
    tier: str = "bronze"
    tags: list[str] = field(default_factory=list)


class Mover:
    """Moves the rows of one kind from the merged guest to the kept one, and back.

    ``handles`` are the fields it is responsible for, as "app.Model.field". Movers run by ``order``.
    """

    name: ClassVar[str] = ""
    label: str | Promise = ""
    handles: tuple[str, ...] = ()
    order: int = 50

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        """Return what of the merged guest would move, for the preview."""
        return ()

    def foresee(self, kept: Customer, merged: Customer, outcome: Outcome) -> None:
        """Write into ``outcome`` what the kept guest would have. Changes nothing in the database."""

    def move(self, merge: Merge) -> Any:
        """Move, and return what :meth:`put_back` needs, as JSON."""

    def put_back(self, merge: Merge, moved: Any) -> None:
        """Undo :meth:`move`. Only called while :meth:`seal` says what it said after the merge."""

    def settle(self, merge: Merge) -> None:
        """Bring what is worked out from other rooms' rows up to date; runs after all moves, either way."""

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        """Return the state of both guests' rows as JSON; another one later means: changed since."""
        return None


class Stays(Mover):
    """Fields that a merge leaves alone, each with the reason why that is right."""

    def __init__(self, name: str, reasons: dict[str, str]) -> None:
        self.name = name  # type: ignore[misc]
        self.handles = tuple(reasons)


class RowsMover(Mover):
    """Gives all rows of one table to the kept guest.

    Args:
        field: the column that holds the guest's id.
        sealed: whether a row changed after the merge (by ``updated_at``) forbids the undo; new and deleted rows do.
    """

    def __init__(
        self,
        model: type[models.Model],
        *,
        label: str | Promise,
        icon: str,
        code: str = "",
        field: str = "customer",
        sealed: bool = True,
        order: int = 50,
    ) -> None:
        self.model, self.label, self.icon, self.order = model, label, icon, order
        self.name = code or str(model._meta.model_name)  # type: ignore[misc]
        self._column = model._meta.get_field(field).attname  # type: ignore[union-attr]
        self._stamp = "updated_at" if sealed and _has_field(model, "updated_at") else ""
        self.handles = (f"{model._meta.label}.{field}",)

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        count = self.model._default_manager.filter(**{self._column: merged_id}).count()
        return (Part(self.name, self.label, self.icon, count),)

    def move(self, merge: Merge) -> list[Any]:
        table, key = self.model._meta.db_table, self.model._meta.pk.column  # type: ignore[union-attr]
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{table}" SET "{self._column}" = %s WHERE "{self._column}" = %s RETURNING "{key}"::text',
                [merge.kept.pk, merge.merged.pk],
            )
            return sorted(row[0] for row in cursor.fetchall())

    def put_back(self, merge: Merge, moved: list[Any]) -> None:
        rows = self.model._default_manager.filter(pk__in=moved, **{self._column: merge.kept.pk})
        rows.update(**{self._column: merge.merged.pk})

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        return seal_rows(self.model, self._column, [kept_id, merged_id], self._stamp)


def seal_rows(model: type[models.Model], column: str, ids: list[UUID], *columns: str) -> list[Any]:
    """Return number and checksum of the rows whose ``column`` is one of ``ids``: keys, owners and ``columns``."""
    key = model._meta.pk.column  # type: ignore[union-attr]
    wanted = ", ".join(f'"{name}"' for name in (key, column, *filter(None, columns)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), md5(coalesce(string_agg(row({wanted})::text, ',' ORDER BY \"{key}\"), ''))"
            f' FROM "{model._meta.db_table}" WHERE "{column}" = ANY(%s)',
            [ids],
        )
        return list(cursor.fetchone())


def _has_field(model: type[models.Model], name: str) -> bool:
    return any(found.name == name for found in model._meta.get_fields())


_movers: dict[str, Mover] = {}


def register_mover(mover: Mover) -> None:
    """Add a mover; one name is registered once, again replaces it."""
    _movers[mover.name] = mover


def movers() -> list[Mover]:
    """Return all movers in the order in which they move."""
    return sorted(_movers.values(), key=lambda mover: (mover.order, mover.name))


def handled_fields() -> set[str]:
    """Return every reference to a guest that some mover answers for."""
    return {name for mover in _movers.values() for name in mover.handles}
