"""Production: behind a proxy that speaks HTTPS. Refuses to start with anything unsafe or unset."""

import os

from django.core.exceptions import ImproperlyConfigured

from servaan_crm.settings.base import *  # noqa: F403
from servaan_crm.settings.base import BASE_DOMAIN, DEV_SECRET_KEY, SECRET_KEY

SHORTEST_SECRET = 50


def _require(names: tuple[str, ...]) -> None:
    missing = [name for name in names if not os.environ.get(name, "").strip()]
    if missing:
        raise ImproperlyConfigured(
            f"Production needs {', '.join(missing)}: set them in the environment (docs/operations.md)."
        )


def _check() -> None:
    """Raise ImproperlyConfigured with one sentence when production must not start like this."""
    _require(
        (
            "SERVAAN_BASE_DOMAIN",
            "SERVAAN_SECRET_KEY",
            "DATABASE_URL",
            "REDIS_URL",
            "SERVAAN_FIELD_KEYS",
            "SERVAAN_HOME",
        )
    )
    if SECRET_KEY == DEV_SECRET_KEY or len(SECRET_KEY) < SHORTEST_SECRET or len(set(SECRET_KEY)) < 10:
        raise ImproperlyConfigured(
            "SERVAAN_SECRET_KEY is the development key or too weak: "
            f"set a random one of at least {SHORTEST_SECRET} characters."
        )
    if BASE_DOMAIN == "localhost" or BASE_DOMAIN.endswith(".localhost") or "*" in BASE_DOMAIN:
        raise ImproperlyConfigured(
            f"SERVAAN_BASE_DOMAIN must be the public domain of the cafés, not {BASE_DOMAIN!r}."
        )
    if os.environ.get("DEBUG", "").strip().lower() not in ("", "0", "false", "no", "off"):
        raise ImproperlyConfigured(
            "DEBUG is on in the environment: unset it, production never shows tracebacks to guests."
        )


_check()

DEBUG = False
ALLOWED_HOSTS = [BASE_DOMAIN, f".{BASE_DOMAIN}"]
CSRF_TRUSTED_ORIGINS = [f"https://{BASE_DOMAIN}", f"https://*.{BASE_DOMAIN}"]

# The proxy ends TLS and must set this header itself on every request (deploy/nginx.conf does).
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
PROXY_HOPS = int(os.environ.get("SERVAAN_PROXY_HOPS", "1"))
SECURE_SSL_REDIRECT = True
# The proxy and the monitoring ask these over plain HTTP on the loopback address.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
LANGUAGE_COOKIE_SECURE = True

STORAGES = {
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 365 * 24 * 3600
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Source maps are never sent to guests; compressing them doubles the time of a release.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [
    "jpg",
    "jpeg",
    "png",
    "gif",
    "webp",
    "zip",
    "gz",
    "br",
    "woff",
    "woff2",
    "map",
]
