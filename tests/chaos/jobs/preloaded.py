"""What the process that workers are forked from has imported: all that a worker and a scheduler come to need."""

import celery.apps.worker
import celery.bin.celery
import celery.concurrency.prefork
import celery.worker.consumer
import kombu.transport.redis
from django.core.checks import run_checks

from tests.chaos.jobs.tiny_worker import app

__all__ = ["app", "celery", "kombu"]

run_checks()  # Celery does it at each start; it imports every view of the portal
