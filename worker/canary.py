"""At the start of an `ml` worker a hostile program must fail at everything it tries in the sandbox."""

import logging

from sandbox.canary import prove_sandbox
from sandbox.outcomes import SandboxUnavailable

logger = logging.getLogger(__name__)


def prove_sandbox_of_ml_worker(*, sender, **_sent) -> None:
    """worker_init receiver. Without a sandbox the worker runs on, and every explanation is refused with the reason."""
    if "ml" not in sender.app.amqp.queues:
        return
    try:
        report = prove_sandbox()
    except SandboxUnavailable as reason:
        logger.error("models cannot be explained on this machine: %s", reason)
    else:
        logger.info("sandbox proven: %s", report)
