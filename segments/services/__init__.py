"""Writes of the segments room."""

from segments.services.base import refresh_base_segments
from segments.services.guest import refresh_customer
from segments.services.refresh import ask_for_run, purge_history, refresh_guests, work_off_runs
from segments.services.rfm import score_guests
from segments.services.run import calculate, request_run
from segments.services.segments import (
    change_segment,
    create_segment,
    create_system_segments,
    delete_segment,
    duplicate_segment,
    new_key,
    save_segment,
)
from segments.services.static import Listed, add_to_list, fill_from_file, remove_from_list

__all__ = [
    "Listed",
    "add_to_list",
    "ask_for_run",
    "calculate",
    "change_segment",
    "create_segment",
    "create_system_segments",
    "delete_segment",
    "duplicate_segment",
    "fill_from_file",
    "new_key",
    "purge_history",
    "refresh_base_segments",
    "refresh_customer",
    "refresh_guests",
    "remove_from_list",
    "request_run",
    "save_segment",
    "score_guests",
    "work_off_runs",
]
