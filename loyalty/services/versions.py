"""Versions of the program: every change makes one, and all of them are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loyalty.models import LoyaltyProgram, ProgramVersion
from loyalty.rules import as_json
from loyalty.selectors.program import get_rule_book
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict

# Rules that no bill looks at, so the rule book leaves them out; the archive keeps them beside it.
BESIDE_THE_BOOK = (
    "expiry_warning_days", "referral_is_active", "referrer_points", "friend_points", "referral_minimum",
    "review_accruals_per_day",
)  # fmt: skip


@contextmanager
def new_version(actor: Actor, expected: int | None = None) -> Iterator[LoyaltyProgram]:
    """Lock the program for a change of it, of its tiers or bonus rules; archive the rules before and after.

    A change that changes nothing of the rules makes no version. The block gets the program with its ``version``
    raised, and saves what it changes; the raised version is saved here unless the block saved the program.

    Args:
        expected: the version the author looked at.

    Raises:
        EditConflict: somebody made another version meanwhile; ``details["version"]`` is the one in force.
    """
    with write(actor):
        program = LoyaltyProgram.objects.select_for_update().get()
        if expected is not None and expected != program.version:
            raise EditConflict(details={"version": program.version})
        before = archive_current(program)
        program.version += 1
        yield program
        after = rules_of(program)
        if _content(after) == _content(before):
            program.version -= 1
            return
        if after["version"] != program.version:
            program.save(update_fields=["version", "updated_at"])
        ProgramVersion.objects.create(
            version=program.version,
            rules=after | {"version": program.version},
            created_by_id=actor.user_id,
        )


def archive_current(program: LoyaltyProgram) -> dict[str, Any]:
    """Put the version in force into the archive unless it is there; returns its rules.

    A version that was made before there was an archive gets the time of the program's last change.
    """
    rules = rules_of(program)
    kept, is_new = ProgramVersion.objects.get_or_create(version=program.version, defaults={"rules": rules})
    if is_new:
        ProgramVersion.objects.filter(pk=kept.pk).update(created_at=program.updated_at)
    return rules


def rules_of(program: LoyaltyProgram) -> dict[str, Any]:
    """Return all rules as plain JSON values, as the database has them now."""
    rules = as_json(get_rule_book())
    beside = LoyaltyProgram.objects.values(*BESIDE_THE_BOOK).get(pk=program.pk)
    return rules | {
        name: value if isinstance(value, (bool, int)) else str(value) for name, value in beside.items()
    }


def _content(rules: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rules.items() if name not in ("version", "has_stamp_cards")}
