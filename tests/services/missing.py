"""A program that tests need is not on this machine."""


class ServiceMissing(Exception):
    """The message names the program and how to get it."""
