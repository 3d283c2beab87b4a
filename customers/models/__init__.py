"""The customer book."""

from customers.models.book import (
    DuplicateDismissal,
    ImportJob,
    ImportReject,
    MergeRecord,
    RecentSearch,
    SavedView,
)
from customers.models.bulk import BulkBatch, BulkOperation, GuestCount, GuestFigure
from customers.models.customer import Customer, CustomerSummary, Tag
from customers.models.duplicates import DuplicatePair, DuplicateScan
from customers.models.menu import MenuItem
from customers.models.profile import Channel, ConsentChange, CustomerNote, CustomField, FamilyMember
from customers.models.undo import ImportChange, ImportKept, ImportUndo
from customers.models.visit import Visit

__all__ = [
    "BulkBatch",
    "BulkOperation",
    "Channel",
    "ConsentChange",
    "CustomField",
    "Customer",
    "CustomerNote",
    "CustomerSummary",
    "DuplicateDismissal",
    "DuplicatePair",
    "DuplicateScan",
    "FamilyMember",
    "GuestCount",
    "GuestFigure",
    "ImportChange",
    "ImportJob",
    "ImportKept",
    "ImportReject",
    "ImportUndo",
    "MenuItem",
    "MergeRecord",
    "RecentSearch",
    "SavedView",
    "Tag",
    "Visit",
]
