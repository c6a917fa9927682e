"""The list and the record as at a past day, by page and API: read from the trail, and nothing to change."""

from datetime import UTC, datetime

import pytest

from inventory import services
from inventory.models import Model
from tests.pages import browser_of, queries_of, text_of


@pytest.fixture
def clock(superuser):
    """Set what the log's clock reads, as audit_owner may."""

    def reads(moment: str) -> None:
        superuser.execute("delete from audit.simulated_clock")
        superuser.execute("insert into audit.simulated_clock values (true, %s)", [moment])

    reads("2099-01-01 00:00Z")  # the cast joined before; times never go back, so the tests look into that future
    return reads


@pytest.fixture
def register(cast):
    def register(name="Card PD", **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
        return services.register_model(external_id=name.lower().replace(" ", "-"), name=name, **(wanted | changes))[0]

    return register


def edit(model, by, **changes):
    services.edit_model(model=model, changes=changes, expected_digest=services.digest_of(model), by=by)


@pytest.fixture
def history(cast, register, clock, monkeypatch):
    """Card PD of 2 March 2099, changed on the 4th; Fraud score came on the 4th."""
    clock("2099-03-02 09:00Z")
    model = register("Card PD", tags=["basel"], purpose="Old purpose")
    clock("2099-03-04 09:00Z")
    edit(model, cast.officer, name="Cards, renamed", tags=["ifrs 9"], owner=cast.developer.person, kind="vendor")
    services.register_version(model=model, label="1.0", mlflow_uri="models:/card/1", by=cast.officer)
    register("Fraud score")
    monkeypatch.setattr("inventory.access.datetime", Later)
    return model


class Later(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2099, 3, 5, 12, tzinfo=tz)


def names_on(account, day, query="") -> list[str]:
    return [m.name for m in browser_of(account).get(f"/models/?as_at={day}{query}").context["models"]]


def test_the_list_shows_what_was_recorded_at_the_end_of_the_day(cast, history):
    days = ("2099-03-01", "2099-03-02", "2099-03-03", "2099-03-04", "2099-03-05")

    assert [names_on(cast.officer, day) for day in days] == [
        [],
        ["Card PD"],
        ["Card PD"],
        ["Cards, renamed", "Fraud score"],
        ["Cards, renamed", "Fraud score"],
    ]


@pytest.mark.parametrize(
    "query",
    ["&q=card+pd", "&q=old+purpose", "&kind=statistical", "&owner=olivia", "&tags=basel", "&unit=retail", "&tier=none"],
)
def test_filters_look_at_what_was_recorded_then(cast, history, query):
    assert names_on(cast.officer, "2099-03-03", query) == ["Card PD"]


@pytest.mark.parametrize(
    "query", ["&q=renamed", "&kind=vendor", "&owner=dan", "&tags=ifrs+9", "&tier=1", "&unit=markets"]
)
def test_what_came_later_is_not_found_then(cast, history, query):
    assert names_on(cast.officer, "2099-03-03", query) == []


def test_a_banner_says_so_and_nothing_can_be_changed(cast, history):
    for address in ("/models/?as_at=2099-03-03", f"/models/{history.ref}/?as_at=2099-03-03"):
        page = text_of(browser_of(cast.officer).get(address))

        assert "As at the end of" in page
        assert "nothing can be changed here" in page
        assert 'method="post"' not in page[page.index("<main") :]


def test_a_filter_of_something_that_is_not_recorded_says_so_and_matches_nothing(cast, history):
    page = text_of(browser_of(cast.officer).get("/models/?as_at=2099-03-03&light=good"))
    answer = browser_of(cast.officer).get("/api/v1/models/?as_at=2099-03-03&light=good")

    assert "<b>Monitoring: not recorded.</b>" in page
    assert answer.status_code == 422


def test_the_record_shows_its_fields_and_versions_as_they_were(cast, history):
    client = browser_of(cast.officer)

    then = text_of(client.get(f"/models/{history.ref}/?as_at=2099-03-03"))
    later = text_of(client.get(f"/models/{history.ref}/?as_at=2099-03-04"))

    assert "<h1>Card PD</h1>" in then
    assert "Olivia Owner" in then
    assert "No version was registered by then" in then
    assert "<h1>Cards, renamed</h1>" in later
    assert '<th scope="row">1.0</th>' in later


def test_a_record_that_was_not_there_yet_is_not_found(cast, history):
    assert browser_of(cast.officer).get(f"/models/{history.ref}/?as_at=2099-03-01").status_code == 404


def test_the_api_answers_as_at_a_day_too(cast, history):
    client = browser_of(cast.officer)

    listed = client.get("/api/v1/models/?as_at=2099-03-03").json()
    one = client.get(f"/api/v1/models/{history.ref}/?as_at=2099-03-03")

    assert [model["name"] for model in listed["models"]] == ["Card PD"]
    assert (one.json()["owner"], one.json()["tags"], "monitoring" in one.json()) == (
        "HR-olivia-owner",
        ["basel"],
        False,
    )
    assert "ETag" not in one


def test_a_change_as_at_a_day_is_refused(cast, history):
    answer = browser_of(cast.officer).patch(
        f"/api/v1/models/{history.ref}/?as_at=2099-03-03",
        {"name": "X"},
        content_type="application/json",
        headers={"if-match": services.digest_of(history)},
    )

    assert answer.status_code == 409
    assert "As at a day nothing can be changed" in answer.json()["detail"]


def test_what_one_may_see_is_decided_as_of_now(cast, history):
    assert names_on(cast.stranger, "2099-03-03") == []
    assert names_on(cast.validator, "2099-03-03") == ["Card PD"]
    assert browser_of(cast.stranger).get(f"/models/{history.ref}/?as_at=2099-03-03").status_code == 404


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2199-01-01", "0001-01-01"])
def test_what_is_no_past_day_is_refused_with_a_sentence(cast, day):
    answer = browser_of(cast.officer).get(f"/models/?as_at={day}")

    assert answer.status_code == 422
    assert "is wanted, got" in text_of(answer)


def test_pages_go_through_every_row_once_in_as_many_queries(cast, register):
    for number in range(3):
        register(f"Model {number}")
    today = datetime.now(UTC).date()
    few = queries_of(browser_of(cast.officer), f"/models/?as_at={today}")
    for number in range(3, 60):
        register(f"Model {number}")
    client = browser_of(cast.officer)

    first = client.get(f"/models/?as_at={today}")
    second = client.get(f"/models/{first.context['next_url']}")

    seen = [m.ref for page in (first, second) for m in page.context["models"]]
    assert len(seen) == len(set(seen)) == 60
    assert queries_of(client, f"/models/?as_at={today}") == few
