"""Settings of the test suite: real PostgreSQL and Redis, cheap password hashes, no rate limits."""

import os

from servaan_crm.settings import env
from servaan_crm.settings.base import *  # noqa: F403

DEBUG = False
LOCAL_GATEWAYS = True
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
RATE_LIMITS = dict.fromkeys(RATE_LIMITS, 1_000_000)  # noqa: F405
LOGGING["root"]["level"] = "WARNING"  # type: ignore[index]  # noqa: F405

# Test processes side by side: pytest-django gives each a PostgreSQL database of its own, this a Redis database.
if worker := os.environ.get("PYTEST_XDIST_WORKER", ""):
    REDIS_URL = env.other_redis_database(REDIS_URL, int(worker.removeprefix("gw")) + 1)  # noqa: F405
    CACHES["default"]["LOCATION"] = REDIS_URL  # type: ignore[index]  # noqa: F405
    CELERY_BROKER_URL = env.celery_redis(REDIS_URL)
