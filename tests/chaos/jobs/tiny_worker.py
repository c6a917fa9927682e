"""`celery --app tests.chaos.jobs.tiny_worker worker`: the portal's worker with tiny tasks and short times.

tests/chaos/jobs/nursery.py forks workers and schedulers from a process that has imported it.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from jobs.queues import celery_app as app  # noqa: E402
from tests.chaos.jobs import tiny_tasks  # noqa: E402
from tests.chaos.jobs.short_times import shorten  # noqa: E402

__all__ = ["app", "tiny_tasks"]

shorten()
