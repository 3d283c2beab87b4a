"""Which value of which guest the kept one gets, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer
from customers.services.validation import MAX_NOTES

KEPT, MERGED, BOTH = "kept", "merged", "both"
# What a person may choose, in the order of the page.
LABELS: dict[str, str | Promise] = {
    "name": pgettext_lazy("person", "Name"),
    "phone": _("Mobile number"),
    "name_english": _("Latin name"),
    "email": _("E-mail"),
    "gender": _("Gender"),
    "birthday": _("Birthday"),
    "anniversary": _("Anniversary"),
    "status": _("Status"),
    "city": _("City"),
    "address": _("Address"),
    "postal_code": _("Postal code"),
    "outlet_id": _("First outlet"),
    "notes": _("Notes"),
    "preferences": _("Preferences"),
    "custom": _("Own fields"),
}
_COMBINED = ("notes", "preferences", "custom")


@dataclass(frozen=True, slots=True)
class FieldResult:
    """One line of the preview. ``source`` is kept, merged or both; ``choices`` is empty when there is no choice."""

    name: str
    label: str | Promise
    kept: Any
    merged: Any
    result: Any
    source: str
    reason: str | Promise
    choices: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Say whether the two guests disagree, so that there is something to look at."""
        return bool(self.kept != self.merged)


def combine(kept: Customer, merged: Customer, choices: Mapping[str, str] | None = None) -> list[FieldResult]:
    """Return what each field of the kept guest becomes.

    Args:
        choices: field name → "kept" or "merged"; notes, preferences and own fields also "both".

    Raises:
        ValidationError: a choice names a field or a side that does not exist.
    """
    chosen = _checked(choices or {})
    rows = [
        (_combined if name in _COMBINED else _single)(name, kept, merged, chosen.get(name)) for name in LABELS
    ]
    return [*rows, _consent(kept, merged), _block_reason(kept, merged), _member_since(kept, merged)]


def _checked(choices: Mapping[str, str]) -> Mapping[str, str]:
    problems = []
    for name, side in choices.items():
        if name not in LABELS:
            legal = ", ".join(LABELS)
            problems.append(
                _g("There is no choice for “%(name)s”. The legal ones are: %(names)s.")
                % {"name": name, "names": legal}
            )
        elif side not in _sides(name):
            problems.append(
                _g("“%(name)s” is one of: %(values)s.") % {"name": name, "values": ", ".join(_sides(name))}
            )
    if problems:
        raise ValidationError({"choices": problems})
    return choices


def _sides(name: str) -> tuple[str, ...]:
    return (KEPT, MERGED, BOTH) if name in _COMBINED else (KEPT, MERGED)


def _single(name: str, kept: Customer, merged: Customer, choice: str | None) -> FieldResult:
    ours, theirs = getattr(kept, name), getattr(merged, name)
    source, reason = KEPT, _("The guest who is kept wins")
    if ours == theirs:
        reason = _("Both are the same")
    elif choice:
        source, reason = choice, _("Chosen")
    elif ours in ("", None):
        source, reason = MERGED, _("Only the other record has it")
    elif theirs in ("", None):
        reason = _("Only this record has it")
    sides = () if ours == theirs else (KEPT, MERGED)
    return FieldResult(
        name, LABELS[name], ours, theirs, ours if source == KEPT else theirs, source, reason, sides
    )


def _combined(name: str, kept: Customer, merged: Customer, choice: str | None) -> FieldResult:
    ours, theirs = getattr(kept, name), getattr(merged, name)
    if ours == theirs or not (ours and theirs):
        return _single(name, kept, merged, None if choice == BOTH else choice)
    joined = f"{ours}\n{theirs}" if name == "notes" else _joined(ours, theirs)
    fits = name != "notes" or len(joined) <= MAX_NOTES
    source = choice or (BOTH if fits else KEPT)
    if source == BOTH and not fits:
        raise ValidationError({"choices": [_g("Both notes together are too long; choose one of them.")]})
    reason: str | Promise = _("Chosen") if choice else _("Nothing of either is lost")
    if not fits and not choice:
        reason = _("Together they would be too long")
    result = {KEPT: ours, MERGED: theirs, BOTH: joined}[source]
    sides = (BOTH, KEPT, MERGED) if fits else (KEPT, MERGED)
    return FieldResult(name, LABELS[name], ours, theirs, result, source, reason, sides)


def _joined(ours: Any, theirs: Any) -> Any:
    """Join two values: objects key by key, lists without doubles; for anything else ours stands."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        shared = {key: _joined(ours[key], theirs[key]) for key in ours if key in theirs}
        return {**theirs, **ours, **shared}
    if isinstance(ours, list) and isinstance(theirs, list):
        return [*ours, *(item for item in theirs if item not in ours)]
    return theirs if ours in ("", None) else ours


def _consent(kept: Customer, merged: Customer) -> FieldResult:
    both = kept.allow_marketing and merged.allow_marketing
    same = kept.allow_marketing == merged.allow_marketing
    return FieldResult(
        "allow_marketing",
        _("Accepts marketing messages"),
        kept.allow_marketing,
        merged.allow_marketing,
        both,
        KEPT if kept.allow_marketing == both else MERGED,
        _("Both are the same") if same else _("A refusal stays a refusal"),
    )


def _block_reason(kept: Customer, merged: Customer) -> FieldResult:
    """Both or none are blocked; of two reasons the kept guest's stands."""
    result = kept.block_reason or merged.block_reason
    return FieldResult(
        "block_reason", _("Reason of blocking"), kept.block_reason, merged.block_reason, result,
        KEPT if result == kept.block_reason else MERGED, _("The guest who is kept wins"),
    )  # fmt: skip


def _member_since(kept: Customer, merged: Customer) -> FieldResult:
    first = min(kept.created_at, merged.created_at)
    source = KEPT if first == kept.created_at else MERGED
    return FieldResult(
        "created_at",
        _("Member since"),
        kept.created_at,
        merged.created_at,
        first,
        source,
        _("The earlier day"),
    )
