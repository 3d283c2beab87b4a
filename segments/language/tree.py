"""Criteria as a tree: reading JSON, refusing what is wrong by its path, and compiling to one condition.

A criteria tree is a mapping. Its keys are fields, all of which must hold; ``all`` and ``any`` take a list of trees,
``not`` takes one, ``in_segment`` names other segments. The flat shapes of the first specification are trees without
nesting::

    {"created_within_days": 30, "visit_count": {"max": 3}}
    {"any": [{"tier_level": ["gold"]}, {"not": {"last_visit_days": {"max": 60}}}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from segments.language.fields import Field, Test, field_names, find_field
from segments.language.plan import GUEST, Plan
from segments.language.sql import Sql, every, joined, some, sql, value
from segments.language.values import Members, fail, members
from segments.models import Segment

GROUPS = ("all", "any", "not")
IN_SEGMENT = "in_segment"
MOST_DEPTH = 8
MOST_LEAVES = 200


@dataclass(slots=True)
class Leaf:
    """One condition: what was asked, and once compiled, its test."""

    path: str
    name: str
    required: Any
    field: Field | None
    test: Test


@dataclass(slots=True)
class Group:
    """Conditions of which all, any, or (with one child) none must hold. ``segment``: the tree of another segment."""

    kind: str
    path: str
    children: list[Leaf | Group] = field(default_factory=list)
    segment: str = ""

    def leaves(self) -> list[Leaf]:
        """Return the conditions in the order they were written."""
        found: list[Leaf] = []
        for child in self.children:
            found += [child] if isinstance(child, Leaf) else child.leaves()
        return found


Node = Leaf | Group


class Reader:
    """Reads criteria for one plan. ``segments``: every segment there is, by key, for ``in_segment``."""

    def __init__(self, plan: Plan, segments: Mapping[str, Segment] | None = None) -> None:
        self._plan = plan
        self._segments = segments or {}
        self._open: list[str] = []
        self._leaves = 0

    def read(self, criteria: Any, *, key: str = "", path: str = "criteria") -> Group:
        """Return the tree of ``criteria``; ``key`` is the segment it belongs to, so that it cannot contain itself.

        Raises:
            InvalidCriteria: names the path of the first fault and what is allowed there.
        """
        self._leaves = 0
        self._open = [key] if key else []
        return self._mapping(criteria, path, 0)

    def _mapping(self, criteria: Any, path: str, depth: int) -> Group:
        if not isinstance(criteria, Mapping) or not criteria:
            raise fail(path, _("an object with at least one condition is needed"), self._legal())
        if depth > MOST_DEPTH:
            raise fail(path, _("nested too deeply"), [f"≤ {MOST_DEPTH}"])
        group = Group("all", path)
        for name, given in criteria.items():
            group.children.append(self._part(str(name), given, f"{path}.{name}", depth))
        return group

    def _part(self, name: str, given: Any, path: str, depth: int) -> Node:
        if name == "not":
            return Group("not", path, [self._mapping(given, path, depth + 1)])
        if name in GROUPS:
            if not isinstance(given, list) or not given:
                raise fail(path, _("a list of conditions is needed"), ["list"])
            parts = [self._mapping(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(given)]
            return Group(name, path, list(parts))
        self._leaves += 1
        if self._leaves > MOST_LEAVES:
            raise fail(path, _("too many conditions"), [f"≤ {MOST_LEAVES}"])
        if name == IN_SEGMENT:
            return self._other_segments(given, path, depth)
        found = find_field(name)
        if found is None:
            raise fail(path, _("unknown field “%(name)s”") % {"name": name}, self._legal())
        meaning = found.read(given, path, self._plan)
        return Leaf(path, name, given, found, found.compile(meaning, self._plan))

    def _legal(self) -> list[str]:
        return [*GROUPS, IN_SEGMENT, *field_names()]

    def _other_segments(self, given: Any, path: str, depth: int) -> Group:
        wanted: Members = members(given, path, list(self._segments))
        kind = {"any": "any", "all": "all", "none": "any"}[wanted.mode]
        group = Group(kind, path, [self._segment(key, path, depth) for key in wanted.values])
        return Group("not", path, [group]) if wanted.mode == "none" else group

    def _segment(self, key: str, path: str, depth: int) -> Node:
        other = self._segments[key]
        if key in self._open:
            circle = " → ".join([*self._open[self._open.index(key) :], key])
            raise fail(path, _("the segments contain each other: %(circle)s") % {"circle": circle}, [])
        if other.is_static:
            listed = sql(
                "EXISTS (SELECT 1 FROM segments_segmentmembership member WHERE member.segment_id = {}"
                f" AND member.customer_id = {GUEST}.id)",
                value(other.pk),
            )
            return Leaf(path, IN_SEGMENT, key, None, Test(listed, listed))
        self._open.append(key)
        tree = self._mapping(other.criteria, f"{path}({key})", depth + 1)
        self._open.pop()
        tree.segment = key
        return tree


def condition(node: Node) -> Sql:
    """Return the tree as one condition that is never NULL."""
    if isinstance(node, Leaf):
        return node.test.holds
    parts = [condition(child) for child in node.children]
    if node.kind == "not":
        return sql("NOT {}", every(parts))
    return every(parts) if node.kind == "all" else some(parts)


def answers(leaves: list[Leaf]) -> Sql:
    """Return a select list with a JSON array of [holds, own value] for each of ``leaves``."""
    pairs = (sql("jsonb_build_array({}, to_jsonb({}))", leaf.test.holds, leaf.test.actual) for leaf in leaves)
    return sql("jsonb_build_array({})", joined(", ", pairs))
