"""Every log line names the café's schema and the request."""

import logging

from django.db import connection

from servaan_crm.core.context import request_id


class CafeFilter(logging.Filter):
    """Adds ``schema_name`` and ``request_id`` to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.schema_name = getattr(connection, "schema_name", None) or "public"
        record.request_id = request_id.get()
        return True
