"""Fixtures of the whole suite: two cafés with the same cast, and cafés with committed data."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django_tenants.utils import tenant_context
from rest_framework.test import APIClient

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's sync API runs an event loop

PASSWORD = "servaan-demo"
ROLES = ("owner", "manager", "staff", "agent", "integrator")


@dataclass
class Cast:
    """A café and its people: ``cast.owner``, ``cast.staff`` …"""

    cafe: Any
    users: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.users[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def host(self) -> str:
        return f"{self.cafe.slug}.localhost"

    def api(self, role: str | None = "manager") -> APIClient:
        """Return an API client of this café, authenticated by JWT as ``role`` (None: anonymous)."""
        from servaan_crm.accounts.authentication import issue_tokens

        client = APIClient(SERVER_NAME=self.host)
        if role:
            with tenant_context(self.cafe):
                client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(self.users[role])['access']}")
        return client

    def browser(self, role: str | None = "staff") -> Client:
        """Return a test browser of this café, logged in as ``role``."""
        client = Client(SERVER_NAME=self.host)
        if role:
            with tenant_context(self.cafe):
                client.force_login(self.users[role])
        return client


def make_cafe(slug: str, **options: Any) -> Cast:
    """Create a café with one user per role; committed unless a transaction is open."""
    from servaan_crm.accounts.models import User
    from servaan_crm.tenancy.services import create_cafe

    cafe = create_cafe(slug=slug, name=f"کافه {slug}", **options)
    with tenant_context(cafe):
        users = {
            role: User.objects.create_user(role, PASSWORD, role=role, name=f"{role} {slug}") for role in ROLES
        }
    return Cast(cafe, users)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Add the cafés of the session to the test database."""
    from django.test.utils import setup_databases, teardown_databases

    own = None
    with django_db_blocker.unblock():
        # pytest-django makes a test database only for tests with its own fixtures or marker; a run of nothing
        # but ``fresh_cafe`` tests would otherwise write into the real database.
        if not connection.settings_dict["NAME"].startswith("test_"):
            own = setup_databases(verbosity=0, interactive=False)
        _CASTS["first"] = make_cafe("narenj")
        _CASTS["second"] = make_cafe("behesht")
        _CASTS["indian"] = make_cafe("chaiwala", country="IN")
        connection.set_schema_to_public()
    yield
    with django_db_blocker.unblock():
        _end_other_sessions()
        if own:
            teardown_databases(own, verbosity=0)


def _end_other_sessions() -> None:
    """Close what would keep the test database from being dropped.

    Servers that tests started may still be closing their connections, and ORM calls beside a running
    event loop (Playwright's) use a connection of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()


_CASTS: dict[str, Cast] = {}


def _inside(cast: Cast) -> Iterator[Cast]:
    from servaan_crm.l10n.locale import use_locale

    cast.cafe.refresh_from_db()  # what another test changed in memory was taken back in the database only
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        yield cast
    connection.set_schema_to_public()


@pytest.fixture
def cafe(db: None) -> Iterator[Cast]:
    """The café under test, an Iranian one; the connection is set to its schema."""
    yield from _inside(_CASTS["first"])


@pytest.fixture
def other_cafe(db: None) -> Cast:
    """The neighbour, whose data must never show; enter it with ``tenant_context(other_cafe.cafe)``."""
    return _CASTS["second"]


@pytest.fixture
def indian_cafe(db: None) -> Cast:
    """A café with rupees, +91 and the Gregorian calendar."""
    return _CASTS["indian"]


@pytest.fixture
def fresh_cafe(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[..., Cast]]:
    """Make cafés with committed data, for threads, workers and browsers; dropped afterwards.

    The connection is left on the schema of the café made last.
    """
    from servaan_crm.l10n.locale import reset_locale, set_locale
    from servaan_crm.tenancy.services import drop_cafe

    made: list[Cast] = []
    tokens: list[Any] = []

    def build(**options: Any) -> Cast:
        connection.set_schema_to_public()
        cast = make_cafe(options.pop("slug", f"cafe-{uuid.uuid4().hex[:8]}"), **options)
        made.append(cast)
        connection.set_tenant(cast.cafe)
        tokens.append(set_locale(cast.cafe.locale))
        return cast

    with django_db_blocker.unblock():
        yield build
        for token in reversed(tokens):
            reset_locale(token)
        for cast in made:
            drop_cafe(cast.cafe)
        connection.set_schema_to_public()
        connection.close()


@pytest.fixture(autouse=True)
def forget_cafe_hosts() -> Iterator[None]:
    """No test sees another one's host look-ups (Redis keys carry the schema, and also hold the broker)."""
    from servaan_crm.tenancy.selectors import forget_hosts

    forget_hosts()
    return


@pytest.fixture
def chromium_page() -> Iterator[Any]:
    """A page of a real Chromium; ``page.problems`` collects script errors and refused resources."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("SERVAAN_CHROMIUM") or None,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--host-resolver-rules=MAP *.localhost 127.0.0.1",
            ],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "console",
            lambda message: page.problems.append(message.text) if message.type == "error" else None,
        )
        yield page
        browser.close()
