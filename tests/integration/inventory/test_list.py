"""Narrowing, arranging and keeping the list of models, by page and API alike."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import services as accounts
from inventory import services
from inventory.filters import ModelFilter
from inventory.models import Model, SavedView, Standing
from tests.pages import browser_of, queries_of, text_of


@pytest.fixture
def register(cast):
    def register(name="Card PD", **changes) -> Model:
        wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
        model, _ = services.register_model(external_id=name.lower().replace(" ", "-"), name=name, **(wanted | changes))
        return model

    return register


@pytest.fixture
def two_models(cast, register) -> list[Model]:
    """One that every filter below means, and one that none does."""
    meant = register("Card PD", tags=["basel", "retail"], developer=cast.developer.person, purpose="Limits for cards")
    other = register("Fraud score", owner=cast.developer.person, kind="vendor", tags=["fraud"])
    moment = datetime(2026, 3, 4, 12, tzinfo=UTC)
    Standing.objects.filter(model=meant).update(
        light="breach", open_breaches=3, latest_auc=0.61, latest_score_psi=0.4, last_run_at=moment
    )
    Standing.objects.filter(model=other).update(
        light="good", open_breaches=1, latest_auc=0.81, latest_score_psi=0.1, last_run_at=moment + timedelta(days=9)
    )
    services.register_version(model=meant, label="1.0", mlflow_uri="models:/card/1", by=cast.officer)
    return [meant, other]


NARROWING = [
    "q=limits+cards",  # words of the purpose, in any order
    "q=cards+limits",
    "q=cart+PD",  # a wrong letter
    "kind=statistical",
    "owner=olivia",
    "owner=HR-olivia-owner",
    "developer=dan",
    "tags=basel",
    "tags=retail,basel",
    "digest=pending",
    "light=breach",
    "breaches_min=2",
    "auc_max=0.7",
    "psi_min=0.2",
    "run_until=2026-03-04",
    "run_since=2026-03-04&run_until=2026-03-05",
]


@pytest.mark.parametrize("query", NARROWING)
def test_each_filter_narrows_the_page_and_the_api_alike(cast, two_models, query):
    page = browser_of(cast.officer).get(f"/models/?{query}")
    api = browser_of(cast.officer).get(f"/api/v1/models/?{query}")

    assert [model.name for model in page.context["models"]] == ["Card PD"]
    assert [model["name"] for model in api.json()["models"]] == ["Card PD"]


@pytest.mark.parametrize("query", ["digest=none", "tags=fraud", "run_since=2026-03-05", "developer=nobody&tier=none"])
def test_the_model_that_lacks_it_is_narrowed_away(cast, two_models, query):
    page = browser_of(cast.officer).get(f"/models/?{query}")

    assert "Card PD" not in [model.name for model in page.context["models"]]


def test_a_model_without_a_tier_can_be_asked_for(cast, two_models):
    page = browser_of(cast.officer).get("/models/?tier=none")

    assert len(page.context["models"]) == 2
    assert "<span>Tier</span> No tier<a" in text_of(page)


def test_registered_since_counts_days_of_the_bank(cast, register, settings):
    register()
    today = timezone.now().astimezone(timezone.get_fixed_timezone(0)).date()
    settings.BANK_TIME_ZONE = "UTC"
    client = browser_of(cast.officer)

    found = [
        len(client.get(f"/models/?{name}={today + timedelta(days=ahead)}").context["models"])
        for name in ("registered_since", "registered_until")
        for ahead in (-1, 0, 1)
    ]

    assert found == [1, 1, 0, 0, 1, 1]


@pytest.mark.parametrize("query", ["registered_since=soon", "auc_max=much", "registered_since=0001-01-01", "owner=%00"])
def test_a_value_that_a_filter_cannot_read_is_no_fault_of_the_portal(cast, register, query):
    register()

    assert browser_of(cast.officer).get(f"/models/?{query}").status_code == 200
    assert browser_of(cast.officer).get(f"/api/v1/models/?{query}").status_code in (200, 422)


def test_the_apis_description_names_every_filter_of_the_page(cast):
    answer = browser_of(None).get("/api/v1/schema/?format=json", headers={"accept": "application/json"}).json()
    named = {parameter["name"] for parameter in answer["paths"]["/api/v1/models/"]["get"]["parameters"]}

    assert set(ModelFilter.base_filters) <= named


def test_the_standing_follows_the_newest_versions_digest(cast, register):
    model = register()
    first, _ = services.register_version(model=model, label="1.0", mlflow_uri="models:/card/1", by=cast.officer)

    services.register_version(model=model, label="2.0", mlflow_uri="models:/card/2", by=cast.officer)

    assert Standing.objects.get(model=model).latest_digest_state == "pending"
    assert first.model.pk == model.pk


# ---- columns ------------------------------------------------------------------------------------------------
def test_columns_are_chosen_in_the_address_and_id_and_name_always_stand(cast, two_models):
    page = text_of(browser_of(cast.officer).get("/models/?columns=tags&columns=kind"))

    head = page[page.index("<thead>") : page.index("</thead>")]
    assert [
        word for word in ("Id", "Name", "Kind", "Tags", "Owner", "PSI") if f">{word} " in head or f">{word}<" in head
    ] == [
        "Id",
        "Name",
        "Kind",
        "Tags",
    ]
    assert "basel, retail" in page


def test_the_usual_columns_leave_no_trace_in_the_address(cast, two_models):
    usual = "&".join(
        f"columns={key}" for key in ("tier", "stage", "light", "auc", "psi", "breaches", "version", "unit", "owner")
    )

    page = browser_of(cast.officer).get(f"/models/?{usual}&tier=none")

    assert page.context["query"] == "tier=none"


def test_every_column_takes_as_many_queries_for_thirty_rows_as_for_three(cast, register):
    every = "columns=external_id,kind,last_run,digest,developer,tags,registered,purpose,description"
    for number in range(3):
        register(f"Model {number}", developer=cast.developer.person)
    few = queries_of(browser_of(cast.officer), f"/models/?{every}")
    for number in range(3, 33):
        register(f"Model {number}", developer=cast.developer.person)

    assert queries_of(browser_of(cast.officer), f"/models/?{every}") == few


# ---- saved views --------------------------------------------------------------------------------------------
def test_a_view_is_saved_with_its_filters_columns_and_order_and_stands_over_the_list(cast, two_models):
    client = browser_of(cast.owner)
    query = "tier=none&columns=ref%2Cname%2Ctags&sort=-name"

    client.post("/models/views/save/", {"name": "Untiered", "query": query})

    view = SavedView.objects.get()
    answer = client.get(f"/models/views/{view.pk}/", follow=True)
    assert answer.redirect_chain == [(f"/models/?{query}", 302)]
    assert f'<a href="/models/views/{view.pk}/" aria-current="page">Untiered</a>' in text_of(answer)


def test_a_shared_view_shows_each_reader_the_models_that_they_may_see(cast, two_models):
    services.save_view(name="All kinds", query="kind=statistical", is_shared=True, by=cast.owner)
    view = SavedView.objects.get()

    seen = browser_of(cast.validator).get(f"/models/views/{view.pk}/", follow=True)
    elsewhere = browser_of(cast.stranger).get(f"/models/views/{view.pk}/", follow=True)

    assert [model.name for model in seen.context["models"]] == ["Card PD"]
    assert list(elsewhere.context["models"]) == []


def test_a_view_of_ones_own_is_nobody_elses(cast):
    view = services.save_view(name="Mine", query="tier=1", by=cast.owner)

    for tail in ("", "share/", "remove/"):
        client, address = browser_of(cast.officer), f"/models/views/{view.pk}/{tail}"
        assert (client.post(address) if tail else client.get(address)).status_code == 404


def test_who_may_open_a_shared_view_may_not_change_it(cast):
    view = services.save_view(name="Ours", query="tier=1", is_shared=True, by=cast.owner)

    assert browser_of(cast.officer).post(f"/models/views/{view.pk}/remove/").status_code == 403
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_a_view_is_shared_kept_to_oneself_again_and_removed(cast):
    view, client = services.save_view(name="Mine", query="tier=1", by=cast.owner), browser_of(cast.owner)

    client.post(f"/models/views/{view.pk}/share/", {"is_shared": "on"})
    assert SavedView.objects.visible_to(cast.officer).count() == 1
    client.post(f"/models/views/{view.pk}/share/", {})
    assert SavedView.objects.visible_to(cast.officer).count() == 0
    client.post(f"/models/views/{view.pk}/remove/")

    assert SavedView.objects.count() == 0


def test_the_same_name_takes_the_new_query(cast):
    services.save_view(name="Mine", query="tier=1", by=cast.owner)

    services.save_view(name="Mine", query="tier=2", by=cast.owner)

    assert [view.query for view in SavedView.objects.all()] == ["tier=2"]


def test_a_view_without_a_name_is_refused_with_a_sentence(cast):
    answer = browser_of(cast.owner).post("/models/views/save/", {"name": " ", "query": "tier=1"})

    assert answer.status_code == 422
    assert "A name of 1 to 60 characters is wanted" in text_of(answer)


# ---- tags ---------------------------------------------------------------------------------------------------
def test_tags_are_given_and_changed_by_rest_and_stand_on_the_trail(cast, register):
    from audit.reading import entries_on

    model, client = register(tags=["basel"]), browser_of(cast.officer)
    etag = client.get(f"/api/v1/models/{model.ref}/")["ETag"]

    answer = client.patch(
        f"/api/v1/models/{model.ref}/",
        {"tags": ["ifrs 9", "ifrs 9", "basel"]},
        content_type="application/json",
        headers={"if-match": etag},
    )

    assert answer.json()["tags"] == ["ifrs 9", "basel"]
    assert entries_on(model).first().data["changes"] == "tags: basel → ifrs 9, basel"


@pytest.mark.parametrize("tags", [["a,b"], [""], ["x" * 41], [str(n) for n in range(21)]])
def test_a_tag_that_could_not_be_found_again_is_refused(cast, tags):
    answer = browser_of(cast.officer).post(
        "/api/v1/models/",
        {"external_id": "x", "name": "X", "kind": "vendor", "unit": "retail", "owner": "HR-olivia-owner", "tags": tags},
        content_type="application/json",
    )

    assert answer.status_code == 422


def test_a_person_who_is_not_there_owns_nothing(cast, register):
    register()
    accounts.add_unit(code="empty", name="Empty", parent=None, by=None)

    page = browser_of(cast.officer).get("/models/?owner=nobody")

    assert list(page.context["models"]) == []
