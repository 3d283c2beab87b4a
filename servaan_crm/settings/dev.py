"""Development: what ``make run`` starts."""

from servaan_crm.settings.base import *  # noqa: F403

DEBUG = True
LOCAL_GATEWAYS = True
ALLOWED_HOSTS = ["*"]
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
