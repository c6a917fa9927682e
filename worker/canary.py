"""At the start of an `ml` worker a hostile program must fail at everything it tries in the sandbox."""

import logging

from sandbox.outcomes import SandboxUnavailable
from sandbox.proof import require_proof

logger = logging.getLogger(__name__)


def prove_sandbox_of_ml_worker(*, sender, **_sent) -> None:
    """worker_init receiver. Without a proof the worker runs on, and every explanation is refused with the reason.

    The verdict is kept by sandbox.proof, and the children that the worker forks inherit it.
    """
    if "ml" not in sender.app.amqp.queues:
        return
    try:
        report = require_proof()
    except SandboxUnavailable as reason:
        logger.error("models cannot be explained on this machine: %s", reason)
    else:
        logger.info("sandbox proven: %s", report.sentence)
