"""The Celery application: `celery -A levqor worker`, `celery -A levqor beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), "levqor.lib.redis_transport:Transport")
TRANSPORT_ALIASES["filesystem"] = "levqor.lib.folder_transport:Transport"

app = Celery("levqor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def use_django_logging(**kwargs: Any) -> None:
    """Keeps Django's logging set-up: without a receiver Celery would install its own."""
