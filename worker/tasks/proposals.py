from jobs.models import Job
from proposals import services
from worker.running import job_task


@job_task(services.EXPIRE_OVERDUE)
def expire_overdue(job: Job) -> None:
    """End proposals whose last day is over and that nobody decided."""
    services.expire_overdue(job=job)
