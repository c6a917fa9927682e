"""Text from outside."""

LARGEST = 2**63 - 1  # of a key


def is_storable(value: object) -> bool:
    """Whether it is text that PostgreSQL and a file system can look up: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)


def number_in(text: str) -> int | None:
    """The whole number that a text of the digits 0 to 9 is; None for any other text, and for what no key reaches.

    `str.isdigit` and `int` disagree: a superscript two is a digit for one and no number for the other.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
        return None
    return int(text) if int(text) <= LARGEST else None
