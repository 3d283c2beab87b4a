"""Background work of the customer book; Celery looks for it here."""

from customers.imports.tasks import resume_imports, run_import_task

__all__ = ["resume_imports", "run_import_task"]
