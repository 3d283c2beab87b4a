"""Settings of the test suite: real PostgreSQL and Redis, cheap password hashes, no rate limits."""

from servaan_crm.settings.base import *  # noqa: F403

DEBUG = False
LOCAL_GATEWAYS = True
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
RATE_LIMITS = dict.fromkeys(RATE_LIMITS, 1_000_000)  # noqa: F405
LOGGING["root"]["level"] = "WARNING"  # type: ignore[index]  # noqa: F405
