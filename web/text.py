"""Text from outside."""


def is_storable(value: object) -> bool:
    """Whether it is text that PostgreSQL and a file system can look up: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)
