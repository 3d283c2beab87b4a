"""Writes of the segments room."""

from segments.services.base import refresh_base_segments
from segments.services.guest import refresh_customer
from segments.services.run import calculate, request_run
from segments.services.segments import create_system_segments, save_segment

__all__ = [
    "calculate",
    "create_system_segments",
    "refresh_base_segments",
    "refresh_customer",
    "request_run",
    "save_segment",
]
