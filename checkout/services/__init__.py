"""The main job: record a visit, take it back."""

from checkout.services.correct import edit_visit, move_visit, restore_visit
from checkout.services.preview import GuestChange, MovePreview, preview_move
from checkout.services.receipt import CheckoutReceipt, CorrectionReceipt, VoidReceipt
from checkout.services.record import record_visit
from checkout.services.request import VisitItem, VisitRequest
from checkout.services.void import void_visit

__all__ = [
    "CheckoutReceipt",
    "CorrectionReceipt",
    "GuestChange",
    "MovePreview",
    "VisitItem",
    "VisitRequest",
    "VoidReceipt",
    "edit_visit",
    "move_visit",
    "preview_move",
    "record_visit",
    "restore_visit",
    "void_visit",
]
