"""The Celery application. Tasks are declared in the rooms and always run inside one café."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servaan_crm.settings.dev")

app = Celery("servaan_crm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
