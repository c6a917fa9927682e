"""The Celery application of the workers: `celery -A worker.celery worker -Q default` or `-Q ml`."""

import os

import django
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from jobs.queues import celery_app as app  # noqa: E402
from worker import canary, schedule  # noqa: E402
from worker.tasks import accounts, inventory, monitoring, proposals  # noqa: E402

__all__ = ["accounts", "app", "inventory", "monitoring", "proposals"]

worker_init.connect(canary.prove_sandbox_of_ml_worker, weak=False)
worker_init.connect(schedule.add_standing_schedules, weak=False)
