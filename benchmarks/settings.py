"""What the measured server runs with: like production, without TLS and without rate limits."""

from servaan_crm.settings.base import *  # noqa: F403

DEBUG = False
ALLOWED_HOSTS = ["*"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None
RATE_LIMITS = dict.fromkeys(RATE_LIMITS, 1_000_000_000)  # noqa: F405
LOGGING["root"]["level"] = "WARNING"  # type: ignore[index]  # noqa: F405
