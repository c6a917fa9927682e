"""Asking the portal for pages, as a browser would."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account

HTMX = {"HX-Request": "true"}


def browser_of(account: Account | None) -> Client:
    """A browser in which `account` is signed in; None: nobody is."""
    client = Client(headers={"host": "localhost"})
    if account:
        client.force_login(account, backend="accounts.backends.ActiveAccountBackend")
    return client


def queries_of(client: Client, address: str) -> int:
    """How many queries the page takes, once the process is warm."""
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return len(captured)


def text_of(answer) -> str:
    """The answer's HTML, its white space made single."""
    return " ".join(answer.content.decode().split())
