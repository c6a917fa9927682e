"""The broker: messages carry a job's id, and may be lost."""

import logging

from celery import Celery
from kombu.exceptions import OperationalError

from jobs.models import Job

logger = logging.getLogger(__name__)

celery_app = Celery("assay")
celery_app.config_from_object("django.conf:settings", namespace="CELERY")


def is_broker_up() -> bool:
    """Whether the broker takes a connection at the moment."""
    try:
        with celery_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0)
    except (OperationalError, OSError):
        return False
    return True


def publish(job: Job) -> bool:
    """Send the job's id to its queue. False when the broker is away: the reconciler sends it again."""
    try:
        celery_app.send_task(job.task, kwargs={"job_id": job.pk}, queue=job.queue, retry=False)
    except (OperationalError, OSError) as problem:
        logger.warning("broker is away, job %s waits for the reconciler: %s", job.pk, problem)
        return False
    return True
