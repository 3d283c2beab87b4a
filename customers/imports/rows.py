"""From a row of a file to a line of the staging table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from customers.imports.cells import REFUSALS, Cleaner, explain
from customers.imports.limits import MAX_KEPT
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.digits import to_persian

UNIT = "\x1f"  # between the cells of the row as it was
NULL = r"\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNSTORABLE = str.maketrans({"\x00": "\ufffd", UNIT: " "})

Values = dict[str, Any]
Reason = dict[str, str]


def both(field_name: str, say: Callable[[], str]) -> Reason:
    """Return a reason in both languages; ``say`` words it in the language in force."""
    with translation.override("fa"):
        persian = to_persian(say())
    with translation.override("en"):
        return {"field": field_name, "fa": persian, "en": say()}


def copy_text(value: Any) -> str:
    """Return ``value`` as COPY's text format writes it; lists and mappings become JSON."""
    if value is None:
        return NULL
    if value is True:
        return "t"
    if value is False:
        return "f"
    text = value if isinstance(value, str) else _as_text(value)
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


@dataclass
class RowReader:
    """Turns cells into lines: the plan says which column is cleaned how into which column of staging.

    ``finish`` completes the values of a good row; it may add reasons. ``columns`` is the order of the line.
    """

    plan: list[tuple[int, str, Cleaner]]
    columns: tuple[str, ...]
    width: int
    finish: Callable[[Values, list[Reason]], None]
    rejected: int = field(default=0, init=False)

    def line(self, number: int, cells: list[Any]) -> str:
        """Return the line for row ``number``: its values, or its reasons; always the row as it was."""
        values: Values = {}
        reasons: list[Reason] = []
        for index, target, clean in self.plan:
            try:
                cell = cells[index]
            except IndexError:
                continue
            if cell is None or cell == "":
                continue
            try:
                values[target] = clean(cell)
            except REFUSALS:
                reasons.append(explain(target, clean, cell))
        if len(cells) > self.width and any(cell not in (None, "") for cell in cells[self.width :]):
            reasons.append(both("", lambda: _("This row has more cells than the header.")))
        if not reasons:
            self.finish(values, reasons)
        if reasons:
            self.rejected += 1
            values = {"reasons": reasons}
        get = values.get
        parts = [str(number), str(uuid7()), _kept(cells), *[copy_text(get(name)) for name in self.columns]]
        return "\t".join(parts)


def _kept(cells: Sequence[Any]) -> str:
    """Return the row as it was, for the report; a huge cell is cut."""
    kept = UNIT.join(
        [cell if type(cell) is str and len(cell) < MAX_KEPT else _shortened(cell) for cell in cells]
    )
    if kept.count(UNIT) >= max(1, len(cells)):
        kept = UNIT.join([_shortened(cell) for cell in cells])
    if "\x00" in kept:
        kept = kept.translate({0: "\ufffd"})
    return kept.translate(_ESCAPES) if _SPECIAL.search(kept) else kept


def _shortened(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return (text[:MAX_KEPT] + "…" if len(text) > MAX_KEPT else text).translate(_UNSTORABLE)


def plan_of(mapping: Mapping[str, str], cleaners: Mapping[str, Cleaner]) -> list[tuple[int, str, Cleaner]]:
    """Return the plan for ``mapping`` (column number → target)."""
    return [(int(number), target, cleaners[target]) for number, target in sorted(mapping.items())]
