"""``/healthz``: the process is up. ``/readyz``: it can do its work. Both on every host."""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu import Connection as BrokerConnection

Check = Callable[[], str | None]


def check_database() -> str | None:
    """Return None when PostgreSQL answers, else what is wrong."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return None


def check_trigrams() -> str | None:
    """Persian search needs a database whose character classes know Persian letters."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(show_trgm('سلام'))")
        row = cursor.fetchone()
    if row and row[0] > 0:
        return None
    return "pg_trgm ignores Persian letters: create the database with LC_CTYPE C.UTF-8 or fa_IR.UTF-8, not C"


def check_migrations() -> str | None:
    """Return what is not migrated on the public schema, if anything."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations to run" if missing else None


def check_cache() -> str | None:
    """Ask Redis itself: the cache class hides an outage."""
    caches["default"]._cache.get_client().ping()  # type: ignore[attr-defined]
    return None


def check_broker() -> str | None:
    """Open and close a connection to the Celery broker."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with BrokerConnection(settings.CELERY_BROKER_URL, connect_timeout=1, transport_options=options) as broker:
        broker.ensure_connection(max_retries=1, timeout=1)
    return None


CHECKS: dict[str, Check] = {
    "database": check_database,
    "trigrams": check_trigrams,
    "migrations": check_migrations,
    "cache": check_cache,
    "broker": check_broker,
}


def readiness() -> dict[str, str]:
    """Run all checks; returns check name → "ok" or a sentence."""
    connection.set_schema_to_public()
    results = {}
    for name, check in CHECKS.items():
        try:
            results[name] = check() or "ok"
        except Exception as error:
            results[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return results


class HealthMiddleware:
    """Answers the two addresses before a café is looked up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            results = readiness()
            ready = all(value == "ok" for value in results.values())
            body = {"status": "ok" if ready else "unavailable", "checks": results}
            return JsonResponse(body, status=200 if ready else 503)
        return self.get_response(request)
