"""Why a guest is in a segment, or is not: every condition with what was asked and what the guest has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from customers.models import Customer
from segments.language import new_plan, read_criteria
from segments.language.compiler import fetch
from segments.language.plan import Plan
from segments.language.sql import joined, sql
from segments.language.tree import Group, Leaf, Node, answers
from segments.models import Segment, SegmentMembership

# PostgreSQL takes at most a hundred arguments to a function.
LEAVES_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Explanation:
    """``tree``: nested parts as JSON. ``verdict``: what the criteria say now; ``is_member``: what is stored."""

    verdict: bool
    is_member: bool
    entered_at: datetime | None
    tree: dict[str, Any]


def explain(segment: Segment, customer: Customer) -> Explanation:
    """Judge one guest by the criteria of ``segment`` with a single query, and say what each part found.

    Raises InvalidCriteria when the stored criteria cannot be read any more.
    """
    member = SegmentMembership.objects.filter(segment=segment, customer=customer).first()
    since = member.entered_at if member else None
    if segment.is_static:
        verdict = member is not None
        listed = {"type": "list", "path": "", "label": _("On the list"), "verdict": verdict}
        return Explanation(verdict, verdict, since, listed)
    plan = new_plan()
    others = {one.key: one for one in Segment.objects.all()}
    tree = read_criteria(segment.criteria, plan, segments=others, key=segment.key)
    said = _part(tree, _answers(plan, tree.leaves(), customer.pk), others)
    return Explanation(bool(said["verdict"]), member is not None, since, said)


def _answers(plan: Plan, leaves: list[Leaf], guest: UUID) -> dict[int, tuple[bool, Any]]:
    """Return leaf (by identity) → (holds, own value). A deleted guest matches nothing."""
    groups = [leaves[at : at + LEAVES_AT_ONCE] for at in range(0, len(leaves), LEAVES_AT_ONCE)]
    columns = joined(", ", (answers(group) for group in groups))
    rows = fetch(sql("SELECT {} FROM {}", columns, plan.source([guest])))
    if not rows:
        return {id(leaf): (False, None) for leaf in leaves}
    found = [pair for column in rows[0] for pair in json.loads(column)]
    return {id(leaf): (bool(pair[0]), pair[1]) for leaf, pair in zip(leaves, found, strict=True)}


def _part(node: Node, found: dict[int, tuple[bool, Any]], segments: dict[str, Segment]) -> dict[str, Any]:
    if isinstance(node, Leaf):
        holds, actual = found[id(node)]
        label = (
            str(node.field.label)
            if node.field
            else _("On the list “%(name)s”") % {"name": segments[node.required].name}
        )
        return {
            "type": "condition", "path": node.path, "field": node.name, "label": label, "required": node.required,
            "actual": actual, "unit": node.field.unit if node.field else "", "verdict": holds,
        }  # fmt: skip
    parts = [_part(child, found, segments) for child in node.children]
    verdicts = [bool(part["verdict"]) for part in parts]
    said = {
        "type": node.kind, "path": node.path, "label": _label(node, segments), "verdict": _verdict(node, verdicts),
        "parts": parts,
    }  # fmt: skip
    return {**said, "segment": node.segment} if node.segment else said


def _verdict(node: Group, verdicts: list[bool]) -> bool:
    if node.kind == "not":
        return not all(verdicts)
    return all(verdicts) if node.kind == "all" else any(verdicts)


def _label(node: Group, segments: dict[str, Segment]) -> str:
    if node.segment:
        return _("Segment “%(name)s”") % {"name": segments[node.segment].name}
    if node.kind == "not":
        return _("None of this")
    return _("All of this") if node.kind == "all" else _("At least one of this")
