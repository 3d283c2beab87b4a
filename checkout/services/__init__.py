"""The main job: record a visit, take it back."""

from checkout.services.receipt import CheckoutReceipt, VoidReceipt
from checkout.services.record import record_visit
from checkout.services.request import VisitItem, VisitRequest
from checkout.services.void import void_visit

__all__ = ["CheckoutReceipt", "VisitItem", "VisitRequest", "VoidReceipt", "record_visit", "void_visit"]
