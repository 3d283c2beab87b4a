"""The criteria language: JSON in, one SQL query out. Nothing is ever evaluated guest by guest in Python."""

from segments.language.compiler import Compiled, check_criteria, compile_segments, new_plan, read_criteria
from segments.language.schema import json_schema

__all__ = ["Compiled", "check_criteria", "compile_segments", "json_schema", "new_plan", "read_criteria"]
