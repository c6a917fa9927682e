"""Where a change comes from: page, api, worker or command; set once at the edge, stored with each entry.

Only this label travels in a context variable. Who acts is always an argument (`by`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    through: str = "command"
    request: str = ""


_COMMAND = Origin()
_current: ContextVar[Origin] = ContextVar("origin_of_change", default=_COMMAND)


def current_origin() -> Origin:
    return _current.get()


@contextmanager
def changes_come_from(origin: Origin) -> Iterator[None]:
    """Label every entry recorded inside the block."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)
