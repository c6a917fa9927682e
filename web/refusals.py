"""A service's no, as HTTP answers it."""

from collections.abc import Mapping


class Refusal(Exception):
    """The portal says no; the message is a sentence for who asked. Each kind says how it is answered."""

    status: int
    slug: str  # last part of the problem's type
    title: str
    problems: Mapping[str, str] = {}  # a sentence for each field at fault, by its path
