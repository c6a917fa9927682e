"""How long the list of models and a model's page take: `python -m benchmarks.web --models 10000`.

The whole portal answers in this process, on a PostgreSQL of its own: routing, session, permissions, queries and
templates are measured; the network and the server program are not. Prints one line a page.
"""

import argparse
import multiprocessing
import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from benchmarks.served import portal_on_new_database

# Statistics must be true and the planner must know them, as after a night of autovacuum.
SETTINGS = {"autovacuum": "on", "shared_buffers": "256MB"}
WANTED_MEDIAN = 0.200


@dataclass(frozen=True)
class Timing:
    """One page, asked again and again."""

    name: str
    seconds: list[float]
    cpu: float  # seconds of this process alone, which other programs on the machine do not lengthen
    queries: int
    size: int

    @property
    def line(self) -> str:
        median = statistics.median(self.seconds)
        p95 = statistics.quantiles(self.seconds, n=20)[-1]
        return (
            f"{self.name:34} median {1000 * median:6.1f} ms   p95 {1000 * p95:6.1f} ms   CPU {1000 * self.cpu:5.1f} ms"
            f"   {self.queries:3} queries   {self.size / 1000:6.1f} kB of HTML"
            f"{'' if median < WANTED_MEDIAN else '   TOO SLOW'}"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", type=int, default=10_000)
    arguments.add_argument("--requests", type=int, default=40)
    arguments.add_argument("--versions", type=int, default=1, help="of each model")
    arguments.add_argument("--entries", type=int, default=0, help="of each model's trail")
    arguments.add_argument("--clients", type=int, default=1, help="processes that ask at once")
    asked = arguments.parse_args()
    with portal_on_new_database(SETTINGS) as superuser_url:
        _fill(asked, superuser_url)
        print(f"{_rows()}; {asked.clients} client(s), {asked.requests} requests a page each after 3 to warm up")
        for account, pages in _journeys():
            client = _client(account)
            for name, address in pages:
                timing = _measure(client, f"{account}: {name}", address, asked.requests)
                if asked.clients > 1:
                    timing = replace(timing, seconds=_together(account, address, asked.requests, asked.clients))
                print(timing.line, flush=True)


def _rows() -> str:
    """How many rows there are of what the pages read."""
    from audit.reading import every_entry
    from inventory.models import Model, ModelVersion

    counts = Model.objects.count(), ModelVersion.objects.count(), every_entry().count()
    return "{:,} models, {:,} versions, {:,} trail entries".format(*counts)


def _together(account: str, address: str, requests: int, clients: int) -> list[float]:
    """Seconds of every request where as many processes ask at once, each with a connection of its own."""
    from django.db import connections

    connections.close_all()  # a connection that two processes share would mix their answers
    with multiprocessing.get_context("fork").Pool(clients) as pool:
        answers = pool.starmap(_ask, [(account, address, requests)] * clients)
    return [seconds for answer in answers for seconds in answer]


def _ask(account: str, address: str, requests: int) -> list[float]:
    client, seconds = _client(account), []
    for _ in range(requests):
        started = time.perf_counter()
        client.get(address)
        seconds.append(time.perf_counter() - started)
    return seconds


def _fill(asked: argparse.Namespace, superuser_url: str) -> None:
    import psycopg

    from benchmarks.portfolio import make_portfolio

    started = time.monotonic()
    make_portfolio(asked.models, versions=asked.versions, entries=asked.entries)
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute("vacuum analyze")
    print(f"filled in {time.monotonic() - started:.0f} s")


def _journeys() -> list[tuple[str, list[tuple[str, str]]]]:
    """An officer, who sees the whole bank, and an owner, who sees one unit."""
    from inventory.models import Model

    some = Model.objects.order_by("ref")[Model.objects.count() // 2]
    pages = [
        ("list", "/models/"),
        ("list by AUC", "/models/?sort=-auc"),
        ("list, filtered", "/models/?tier=1&light=breach&light=watch"),
        ("list, one unit", "/models/?unit=credit-cards&sort=name"),
        ("list, search", f"/models/?{urlencode({'q': 'wealth fraud'})}"),
        ("list, search of an owner", f"/models/?{urlencode({'q': 'okafor'})}"),
        ("list, half way down", _half_way()),
        ("list as at today", f"/models/?as_at={datetime.now(UTC).date()}"),
        ("list as at, filtered", f"/models/?as_at={datetime.now(UTC).date()}&tier=1&q=wealth"),
        ("model", f"/models/{some.ref}/"),
        ("versions", f"/models/{some.ref}/versions/"),
        ("home", "/"),
    ]
    return [("officer", pages), ("owner", [page for page in pages if page[0] in ("list", "home")])]


def _half_way() -> str:
    """The page that starts in the middle of the list by name."""
    from django.http import QueryDict

    from inventory.models import Model
    from web.keyset import KeysetPage

    ordered = Model.objects.order_by("name", "pk")
    middle = ordered[ordered.count() // 2]
    query = QueryDict("sort=name")
    page = KeysetPage(
        Model.objects.filter(pk__in=[middle.pk, ordered.last().pk]),
        query,
        sorts={"name": ("name", "name")},
        default="name",
        size=1,
    )
    return f"/models/{page.next_url}"


def _client(username: str):
    from django.test import Client

    from accounts.models import Account
    from accounts.roles import Role

    client = Client(headers={"host": "localhost"})
    client.force_login(
        Account.objects.filter(person__roles__role=Role(username)).order_by("pk").first(),
        backend="accounts.backends.ActiveAccountBackend",
    )
    return client


def _measure(client, name: str, address: str, requests: int) -> Timing:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    queries = len(captured)  # counted now: the next request forgets them
    if answer.status_code != 200:
        raise SystemExit(f"{address} was answered {answer.status_code}, so there is nothing to measure.")
    for _ in range(2):
        client.get(address)
    seconds, cpu = [], time.process_time()
    for _ in range(requests):
        started = time.perf_counter()
        client.get(address)
        seconds.append(time.perf_counter() - started)
    cpu = (time.process_time() - cpu) / requests
    return Timing(name, seconds, cpu, queries, len(answer.content))


if __name__ == "__main__":
    main()
