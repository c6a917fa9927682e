from accounts import services
from jobs.models import Job
from jobs.services import effects_of, finish
from worker.running import job_task


@job_task(services.FORGET_ANSWERS)
def forget_answers(job: Job) -> None:
    """Take away the answers of requests that nobody will send again."""
    with effects_of(job):
        finish(job=job, message=f"{services.forget_answers()} forgotten")
