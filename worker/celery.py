"""The Celery application of the workers: `celery -A worker.celery worker -Q default` or `-Q ml`."""

import os

import django
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from jobs.queues import celery_app as app  # noqa: E402
from worker import canary  # noqa: E402
from worker.tasks import inventory, monitoring  # noqa: E402

__all__ = ["app", "inventory", "monitoring"]

worker_init.connect(canary.prove_sandbox_of_ml_worker, weak=False)
