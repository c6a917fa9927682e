"""After every test with a database: nothing changed outside the portal, unless the test says that it does so."""

import psycopg
import pytest

MARKER = "outside_portal"
OUTSIDE = "select distinct subject from audit.entry where event = 'audit.outside_portal' order by 1"


def pytest_configure(config):
    config.addinivalue_line("markers", f"{MARKER}: changes governed rows past the services, to arrange or to try it")


@pytest.fixture
def outside_portal():
    """What a fixture asks for that changes governed rows past the services: its tests need no marker."""


@pytest.fixture(autouse=True)
def nothing_outside_the_portal(request):
    if "db" not in request.fixturenames:
        yield
        return
    database, server = request.getfixturevalue("db"), request.getfixturevalue("database_template")
    yield
    with psycopg.connect(server, dbname=database, autocommit=True) as superuser:
        subjects = [subject for (subject,) in superuser.execute(OUTSIDE).fetchall()]
    if words := complaint(request, subjects):
        pytest.fail(words, pytrace=False)


def complaint(request, subjects: list[str]) -> str:
    """What is wrong with the changes outside the portal that a test left, and with what it says of them."""
    marked = [node for node, _ in request.node.iter_markers_with_node(MARKER)]
    if subjects and not marked and MARKER not in request.fixturenames:
        return (
            f"no service announced a change of {', '.join(subjects)}: announce it, or mark the test {MARKER}"
            " if it goes past the services on purpose"
        )
    if request.node in marked and not subjects:
        return f"the test is marked {MARKER} and changes nothing past the services: take the mark away"
    return ""
