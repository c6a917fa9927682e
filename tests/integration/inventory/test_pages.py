"""The list of models, a model's overview and its versions, as pages."""

import pytest

from inventory import services
from inventory.models import Model, ModelVersion, Standing
from inventory.views.model import auc_window
from monitoring.models import Monitor
from monitoring.services import runs
from tests.pages import HTMX, browser_of, queries_of, text_of


@pytest.fixture
def register(cast):
    """Register a model of retail; keyword arguments override."""

    def register(name="Card PD", **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
        model, _ = services.register_model(external_id=name.lower(), name=name, **(wanted | changes))
        return model

    return register


@pytest.fixture
def version_of(cast, outside_portal):
    """Register a version and put its digest into a state, as the worker would."""

    def version_of(model, label="1.0.0", **found) -> ModelVersion:
        version, _ = services.register_version(
            model=model, label=label, mlflow_uri="models:/card_pd/1", by=cast.officer
        )
        ModelVersion.objects.filter(pk=version.pk).update(**found)
        return version

    return version_of


def watch(cast, version: ModelVersion) -> None:
    Monitor.objects.create(
        model=version.model,
        version=version,
        name="Originations",
        location="/logs",
        columns={"features": []},
        reference_location="/logs",
        seed=1,
        defined_by=cast.officer.person,
    )


def stand(model: Model, **standing) -> None:
    Standing.objects.filter(model=model).update(**standing)


# ---- the list -------------------------------------------------------------------------------------------
def test_the_list_shows_a_model_with_its_owner_and_standing(cast, register):
    stand(register(), light="breach", latest_auc=0.7512, auc_history=[0.77, 0.7512], open_breaches=2)

    page = text_of(browser_of(cast.validator).get("/models/"))

    assert "Card PD" in page
    assert "Olivia Owner" in page
    assert "0.751" in page
    assert 'aria-label="AUC over 12 windows, now 0.751"' in page
    assert "1 in the inventory" in page


def test_the_list_only_reads(cast):
    assert browser_of(cast.officer).post("/models/").status_code == 405


def test_the_list_asks_strangers_to_sign_in(cast):
    answer = browser_of(None).get("/models/?tier=1")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


def test_another_units_models_are_neither_listed_nor_counted(cast, register):
    register("Retail PD")
    register("Market VaR", unit=cast.markets, owner=cast.stranger.person)

    page = text_of(browser_of(cast.stranger).get("/models/"))

    assert "Market VaR" in page
    assert "Retail PD" not in page
    assert "1 in the inventory" in page


def test_somebody_without_a_role_is_told_whom_to_ask(cast):
    page = text_of(browser_of(cast.administrator).get("/models/"))

    assert "No models for you yet" in page
    assert "ask an administrator" in page


def test_an_empty_list_says_what_it_is_for_to_who_may_register(cast):
    page = text_of(browser_of(cast.officer).get("/models/"))

    assert "No models yet" in page
    assert "#register_model" in page


def test_filters_narrow_and_each_can_be_taken_away(cast, register):
    stand(register("Good one"), light="good")
    stand(register("Bad one"), light="breach")

    page = text_of(browser_of(cast.officer).get("/models/?light=breach&unit=retail"))

    assert "Bad one" in page
    assert "Good one" not in page
    assert "1 of 2 in the inventory" in page
    assert 'href="?light=breach" aria-label="Remove filter Unit Retail credit"' in page
    assert 'href="?unit=retail" aria-label="Remove filter Monitoring Breach"' in page


@pytest.mark.parametrize("words", ["card", "CARD PD", "olivia", "cards pd", "{ref}"])
def test_search_finds_by_name_near_name_id_and_owner(cast, register, words):
    model = register("Card PD")
    register("Fraud score", owner=cast.developer.person)

    page = text_of(browser_of(cast.officer).get("/models/", {"q": words.format(ref=model.ref)}))

    assert "Card PD" in page
    assert "Fraud score" not in page


def test_no_match_keeps_what_was_asked_and_offers_the_way_back(cast, register):
    register()

    page = text_of(browser_of(cast.officer).get("/models/?q=zebra"))

    assert "No model matches" in page
    assert 'value="zebra"' in page
    assert "Clear all filters" in page


def test_an_unknown_filter_value_matches_nothing_rather_than_everything(cast, register):
    register()

    assert "No model matches" in text_of(browser_of(cast.officer).get("/models/?tier=9"))


def test_an_unknown_filter_value_is_named(cast, register):
    register()

    page = text_of(browser_of(cast.officer).get("/models/?stage=somewhere&tier=1"))

    assert "There is no status “somewhere”." in page


def test_a_chip_does_not_say_its_filters_name_twice(cast, register):
    register()

    assert "<span>Tier</span> 1<a" in text_of(browser_of(cast.officer).get("/models/?tier=1"))


def test_a_list_of_one_page_has_no_pages_to_turn(cast, register):
    register()

    page = text_of(browser_of(cast.officer).get("/models/"))

    assert "1 of 1 models" in page
    assert 'aria-label="Pages"' not in page


def test_htmx_gets_the_rows_alone_and_a_clean_address(cast, register):
    register()

    answer = browser_of(cast.officer).get("/models/?q=&light=&tier=", headers=HTMX)

    assert "<html" not in answer.content.decode()
    assert "Card PD" in answer.content.decode()
    assert 'id="rows"' in answer.content.decode()
    assert 'id="count" hx-swap-oob' in answer.content.decode()
    assert answer["HX-Push-Url"] == "/models/"


def test_every_address_of_the_list_reads_without_script(cast, register):
    for number in range(60):
        register(f"Model {number:02}")

    page = browser_of(cast.officer).get("/models/?sort=-name")

    assert page.context["pages"]["next_url"].startswith("?sort=-name&after=")
    assert 'action="/models/"' in text_of(page)
    assert 'aria-sort="descending"' in text_of(page)


@pytest.mark.parametrize("sort", ["ref", "-ref", "name", "-name", "tier", "-tier", "auc", "-auc", "-psi", "-breaches"])
def test_pages_go_through_every_row_once_and_back(cast, register, sort):
    for number in range(110):
        value = None if number % 3 == 0 else (number % 7) / 10
        stand(register(f"Model {number:03}"), latest_auc=value, latest_score_psi=value)
    client = browser_of(cast.officer)
    page, seen = client.get(f"/models/?sort={sort}"), []
    addresses = [f"?sort={sort}"]
    seen.append([model.pk for model in page.context["models"]])
    while url := page.context["pages"]["next_url"]:
        addresses.append(url)
        page = client.get(f"/models/{url}")
        seen.append([model.pk for model in page.context["models"]])

    assert [len(rows) for rows in seen] == [50, 50, 10]
    assert len({pk for rows in seen for pk in rows}) == 110
    back = client.get(f"/models/{page.context['pages']['previous_url']}")
    assert [model.pk for model in back.context["models"]] == seen[1]
    first = client.get(f"/models/{back.context['pages']['previous_url']}")
    assert [model.pk for model in first.context["models"]] == seen[0]
    assert first.context["pages"]["previous_url"] is None


@pytest.mark.parametrize(
    "place", ["x", "bnVsbA", "WyJhYmMiLDFd", "WyJcdTAwMDAiLDFd", "W1tdLDFd", "W3siYSI6MX0sMV0", "W1tbW1tbW1tb"]
)
@pytest.mark.parametrize("sort", ["name", "tier", "auc"])
def test_a_place_that_cannot_be_read_shows_a_page_all_the_same(cast, register, place, sort):
    register()

    answer = browser_of(cast.officer).get("/models/", {"after": place, "sort": sort})

    assert answer.status_code == 200


def test_an_unknown_sort_falls_back_to_the_id(cast, register):
    register()

    page = browser_of(cast.officer).get("/models/?sort=-password")

    assert [model.name for model in page.context["models"]] == ["Card PD"]


def test_the_list_takes_as_many_queries_for_thirty_rows_as_for_three(cast, register):
    client, address = browser_of(cast.officer), "/models/?q=model&stage=in_development"
    for number in range(3):
        register(f"Model {number:02}")
    for_three = queries_of(client, address)
    for number in range(3, 30):
        register(f"Model {number:02}")

    assert queries_of(client, address) == for_three
    assert len(client.get(address).context["models"]) == 30


def test_a_name_of_html_is_shown_as_text(cast, register):
    register("<script>alert(1)</script>")

    page = text_of(browser_of(cast.officer).get("/models/"))

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


# ---- one model ------------------------------------------------------------------------------------------
def test_the_overview_shows_purpose_people_and_the_records_digest(cast, register):
    model = register(purpose="Decides on cards.", developer=cast.developer.person)

    page = text_of(browser_of(cast.validator).get(f"/models/{model.ref}/"))

    assert "Decides on cards." in page
    assert "Dan Developer" in page
    assert services.digest_of(model) in page


def test_the_overview_only_reads(cast, register):
    assert browser_of(cast.officer).post(f"/models/{register().ref}/").status_code == 405


@pytest.mark.parametrize("tail", ["", "versions/"])
def test_a_stranger_finds_no_model(cast, register, tail):
    model = register()

    assert browser_of(cast.stranger).get(f"/models/{model.ref}/{tail}").status_code == 404
    assert browser_of(None).get(f"/models/{model.ref}/{tail}").status_code == 302


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"digest_state": "mismatch"}, "Register 1.0.0 again from the right artefact"),
        ({"digest_state": "failed"}, "Make the artefact of 1.0.0 readable"),
        ({"digest_state": "verified", "digest": "a" * 64}, "Start its monitoring"),
    ],
)
def test_what_the_newest_version_waits_for_stands_in_the_head(cast, register, version_of, found, words):
    model = register()
    version_of(model, **found)

    for tail in ("", "versions/"):
        assert words in text_of(browser_of(cast.owner).get(f"/models/{model.ref}/{tail}"))


def test_a_first_run_that_is_under_way_is_nothing_to_start(cast, register, version_of):
    model = register()
    version = version_of(model, digest_state="verified", digest="a" * 64)
    watch(cast, version)
    before = browser_of(cast.owner).get(f"/models/{model.ref}/").context["to_do"]

    runs.ask_for_run(monitor=model.monitors.get(), by=cast.owner)

    assert [act["who"] for act in before] == ["Olivia Owner, owner"]
    assert browser_of(cast.owner).get(f"/models/{model.ref}/").context["to_do"] == []


def test_what_breaches_ask_for_leads_to_the_breaches(cast, register):
    model = register()
    stand(model, light="breach", open_breaches=1, last_window="Oct 2026")

    (act,) = [
        act for act in browser_of(cast.owner).get(f"/models/{model.ref}/").context["to_do"] if act["state"] == "breach"
    ]

    assert act["url"] == f"/models/{model.ref}/monitoring/#breaches"
    assert act["who"] == "Olivia Owner, owner"


@pytest.mark.parametrize(
    ("last", "history", "window"),
    [
        ("Oct 2026", [0.7, 0.7, None, None], "Aug 2026"),
        ("Jan 2026", [0.7, None], "Dec 2025"),
        ("Oct 2026", [0.7], "Oct 2026"),
        ("Oct 2026", [None, None], ""),
        ("3 Oct 2026", [0.7], "3 Oct 2026"),
        ("3 Oct 2026", [0.7, None], ""),
        ("", [], ""),
    ],
)
def test_auc_names_the_window_that_it_is_of(last, history, window):
    assert auc_window(Standing(last_window=last, auc_history=history)) == window


def test_a_model_that_nothing_watches_leads_straight_to_how_one_watches_it(cast, register, version_of):
    model = register()
    address = f"/models/{model.ref}/"
    unwatched = {who: text_of(browser_of(getattr(cast, who)).get(address)) for who in ("owner", "validator")}
    watch(cast, version_of(model))

    watched = text_of(browser_of(cast.owner).get(address))

    assert '#define_monitor">See how to define a monitor</a>' in unwatched["owner"]
    assert "See how to define a monitor" not in unwatched["validator"]
    assert "See its monitoring" not in unwatched["owner"]
    assert "See its monitoring" in watched


def test_the_head_says_what_was_read_and_judges_nothing(cast, register, version_of):
    model = register()
    version_of(model, digest_state="verified", digest="a1" * 32)

    head = (
        text_of(browser_of(cast.owner).get(f"/models/{model.ref}/")).partition('class="facts"')[2].partition("tabs")[0]
    )

    assert "Artefact read" in head
    assert "a1a1…a1a1" in head
    assert 'class="st good"' not in head


def test_a_superseded_version_waits_for_nothing(cast, register, version_of):
    model = register()
    version_of(model, "1.0.0", digest_state="mismatch")
    version_of(model, "1.0.1")

    page = browser_of(cast.owner).get(f"/models/{model.ref}/")

    assert page.context["to_do"] == []


def test_breaches_come_before_what_is_only_on_watch(cast, register, version_of):
    model = register()
    version_of(model, digest_state="failed")
    stand(model, light="breach", open_breaches=2, last_window="Oct 2026")

    acts = browser_of(cast.owner).get(f"/models/{model.ref}/").context["to_do"]

    assert [act["state"] for act in acts] == ["breach", "watch"]
    assert acts[0]["what"] == "Look into 2 open breaches"


def test_a_model_without_versions_says_how_to_register_one(cast, register):
    page = text_of(browser_of(cast.owner).get(f"/models/{register().ref}/versions/"))

    assert "No version yet" in page
    assert "#register_version" in page


def test_versions_show_digest_note_signature_and_the_mark_of_code(cast, register, version_of):
    model = register()
    signature = {"inputs": [{"name": "income", "type": "double"}], "outputs": '[{"type": "long", "required": true}]'}
    version_of(
        model,
        digest_state="mismatch",
        digest="b" * 64,
        digest_note="The client said c; the artefact is b.",
        is_loaded_by_code=True,
        signature=signature,
        artefact_bytes=184_320,
    )

    page = text_of(browser_of(cast.auditor).get(f"/models/{model.ref}/versions/"))

    assert "Refused: digest differs" in page
    assert "The client said c; the artefact is b." in page
    assert "Loaded by code" in page
    assert "Signature: 1 input, 1 output" in page
    assert "income" in page
    assert "184 kB" in page


def test_the_model_pages_take_as_many_queries_for_thirty_versions_as_for_three(cast, register, version_of):
    model, client = register(), browser_of(cast.officer)
    for number in range(3):
        version_of(model, f"1.{number}.0")
    for_three = [queries_of(client, f"/models/{model.ref}/{tail}") for tail in ("", "versions/")]
    for number in range(3, 30):
        version_of(model, f"1.{number}.0")

    assert [queries_of(client, f"/models/{model.ref}/{tail}") for tail in ("", "versions/")] == for_three
