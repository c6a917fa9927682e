"""Where tasks run: in threads, or in the caller's own when one is enough."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


class CallersThread(Executor):
    """Runs a task when it is submitted: no thread, no arena of memory of its own."""

    def submit(self, task: Callable, /, *arguments: Any, **keywords: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(task(*arguments, **keywords))
        except Exception as failure:  # noqa: BLE001 - an executor hands every failure to result()
            future.set_exception(failure)
        return future


def pool_of(threads: int) -> Executor:
    return CallersThread() if threads == 1 else ThreadPoolExecutor(threads)
