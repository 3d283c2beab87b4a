"""The Celery application. Tasks are declared in the rooms and always run inside one café."""

import os

from celery import Celery

from servaan_crm.schedules import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servaan_crm.settings.dev")

app = Celery("servaan_crm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = BEAT_SCHEDULE
app.autodiscover_tasks()
