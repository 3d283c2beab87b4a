"""The JSON Schema of the language, written by the fields themselves."""

from __future__ import annotations

from typing import Any

from segments.language.fields import Field, all_fields
from segments.language.tree import GROUPS, IN_SEGMENT


def json_schema(segment_keys: list[str] | None = None) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of criteria in the café in hand.

    Each field carries ``title`` (in the language of the request), ``x-group``, ``x-kind``, ``x-unit`` and, for
    choices, ``x-options`` with labels: enough for a builder of somebody else's.
    """
    keys: dict[str, Any] = {"type": "string"}
    if segment_keys is not None:
        keys["enum"] = segment_keys
    one_or_more = {"oneOf": [keys, {"type": "array", "items": keys, "minItems": 1}]}
    only_one = {
        "type": "object", "properties": dict.fromkeys(("any", "all", "none"), one_or_more),
        "additionalProperties": False, "minProperties": 1, "maxProperties": 1,
    }  # fmt: skip
    criteria = {"$ref": "#/$defs/criteria"}
    properties: dict[str, Any] = {field.name: _property(field) for field in all_fields()}
    properties[IN_SEGMENT] = {"oneOf": [*one_or_more["oneOf"], only_one]}
    for name in GROUPS:
        properties[name] = criteria if name == "not" else {"type": "array", "items": criteria, "minItems": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Servaan segment criteria",
        "$ref": "#/$defs/criteria",
        "$defs": {
            "criteria": {
                "type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1,
            }
        },
    }  # fmt: skip


def _property(field: Field) -> dict[str, Any]:
    found = {**field.schema(), "title": str(field.label), "x-group": field.group, "x-kind": field.kind}
    if field.unit:
        found["x-unit"] = field.unit
    if field.options is not None:
        found["x-options"] = [{"value": key, "label": str(label)} for key, label in field.options()]
    return found
