"""``settings/production.py`` starts with safe values only, and says in one sentence what is wrong."""

import os
import subprocess
import sys

import pytest

from dev.paths import ROOT

GOOD = {
    "SERVAAN_BASE_DOMAIN": "crm.example.com",
    "SERVAAN_SECRET_KEY": "kz8x0q2v5n1m7b4w9e3r6t8y2u5i1o7p4a9s3d6f8g2h5j1k7l4",
    "SERVAAN_FIELD_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "DATABASE_URL": "postgresql://servaan@127.0.0.1/servaan",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SERVAAN_HOME": "/srv/servaan",
}


def start(**changes: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a fresh process; an empty value means unset."""
    values = {name: value for name, value in {**GOOD, **changes}.items() if value}
    program = (
        "from django.conf import settings as s; "
        "print(s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0, s.ALLOWED_HOSTS)"
    )
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "servaan_crm.settings.production", **values}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_safe_values_start() -> None:
    done = start()
    assert done.stdout.strip() == "False True True True ['crm.example.com', '.crm.example.com']", done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, "") for name in GOOD]
    + [
        ("SERVAAN_SECRET_KEY", "short"),
        ("SERVAAN_SECRET_KEY", "a" * 80),
        ("SERVAAN_SECRET_KEY", "development-only-key-that-production-refuses-to-start-with-0123456789"),
        ("SERVAAN_BASE_DOMAIN", "localhost"),
        ("SERVAAN_BASE_DOMAIN", "*"),
        ("DEBUG", "1"),
    ],
)
def test_unsafe_values_do_not(name: str, value: str) -> None:
    done = start(**{name: value})
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert "ImproperlyConfigured" in last
    assert name in last
