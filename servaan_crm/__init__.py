"""Servaan CRM: the customer book, loyalty club, SMS desk and feedback desk of cafés."""

from servaan_crm.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
