"""Reads of the segments room."""

from segments.selectors.explain import Explanation, explain
from segments.selectors.members import MemberList, list_changes, list_history
from segments.selectors.preview import Preview, preview
from segments.selectors.rfm import RfmMap, get_rfm_map
from segments.selectors.segments import (
    count_members,
    get_segment,
    is_up_to_date,
    list_segments_with_counts,
    live_counts,
)

__all__ = [
    "Explanation",
    "MemberList",
    "Preview",
    "RfmMap",
    "count_members",
    "explain",
    "get_rfm_map",
    "get_segment",
    "is_up_to_date",
    "list_changes",
    "list_history",
    "list_segments_with_counts",
    "live_counts",
    "preview",
]
