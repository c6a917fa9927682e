"""Tiering schemes: drafted, published in two persons with the whole book rated anew, and never changed afterwards."""

import copy
from decimal import Decimal

import pytest
from django.db import IntegrityError

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry, SealedRecord, subject_name
from inventory import services
from inventory.models import Assessment, Model, TieringScheme
from proposals.models import Proposal
from tests.tiering import SHIPPED, answers, publish, rate, register, second_officer


def stricter() -> dict:
    """The shipped scheme, with everything moderate of moderate materiality in tier 2, and one question more."""
    content = copy.deepcopy(SHIPPED)
    content["matrix"][1] = [4, 2, 2, 2]
    content["matrix"][2] = [3, 2, 2, 1]
    return content


def with_another_factor() -> dict:
    content = stricter()
    content["factors"].append(
        content["factors"][0] | {"name": "climate", "label": "Climate", "question": "How far does it hang on climate?"}
    )
    return content


@pytest.fixture
def book(cast):
    """Four models under the shipped scheme, of tiers 1, 3 and 4, and one that nobody rated."""
    publish(cast)
    models = {name: register(cast, name) for name in ("Critical", "Middling", "Small", "Overridden", "Unrated", "Gone")}
    rate(models["Critical"], cast.owner, height=3, exposure=Decimal(900))
    for name in ("Middling", "Overridden", "Gone"):
        rate(models[name], cast.owner, height=1)
    rate(models["Small"], cast.owner, height=0)
    services.move_stage(model=models["Gone"], stage="retired", reason="Replaced", by=cast.officer)
    return models


def tiers(models) -> dict:
    return {name: Model.objects.get(pk=model.pk).tier for name, model in models.items()}


# ---- drafts -----------------------------------------------------------------------------------------------
def test_an_officer_drafts_edits_and_discards(cast):
    scheme = services.draft_scheme(content=SHIPPED, note="First", by=cast.officer)
    services.edit_scheme(scheme=scheme, content=stricter(), note="Stricter", by=cast.officer)
    services.discard_scheme(scheme=scheme, reason="Not now", by=cast.officer)

    scheme.refresh_from_db()
    assert (scheme.number, scheme.note, scheme.state) == (1, "Stricter", "discarded")
    assert list(Entry.objects.on_trail(subject_name(scheme)).order_by("id").values_list("event", flat=True)) == [
        "inventory.scheme_drafted",
        "inventory.scheme_edited",
        "inventory.scheme_discarded",
    ]
    with pytest.raises(NotNow, match="draft the next version"):
        services.edit_scheme(scheme=scheme, content=SHIPPED, note="x", by=cast.officer)


def test_a_scheme_with_a_gap_is_refused_with_the_place(cast):
    content = copy.deepcopy(SHIPPED)
    content["axes"]["inherent"]["bands"][2]["from"] = 2.6

    with pytest.raises(InvalidInput) as refused:
        services.draft_scheme(content=content, note="First", by=cast.officer)

    assert refused.value.problems == {"axes/inherent/bands/2/from": "A gap: nothing lies between 2.5 and 2.6."}


@pytest.mark.parametrize("who", ["owner", "validator", "auditor", "administrator"])
def test_others_draft_nothing(cast, who):
    with pytest.raises(NotPermitted):
        services.draft_scheme(content=SHIPPED, note="First", by=getattr(cast, who))


# ---- publishing -------------------------------------------------------------------------------------------
def test_who_drafted_or_proposed_a_scheme_does_not_decide_on_it(cast):
    otto = second_officer()
    scheme = services.draft_scheme(content=SHIPPED, note="First", by=cast.officer)
    proposal = services.propose_scheme(scheme=scheme, reason="Agreed", by=otto)

    for officer in (cast.officer, otto):
        with pytest.raises(NotPermitted, match="another person decides"):
            services.decide_scheme(proposal=proposal, accept=True, reason="Fine", by=officer)
    assert TieringScheme.objects.get().state == "draft"


def test_a_draft_that_was_edited_overtakes_its_proposal(cast):
    scheme = services.draft_scheme(content=SHIPPED, note="First", by=cast.officer)
    proposal = services.propose_scheme(scheme=scheme, reason="Agreed", by=cast.officer)
    services.edit_scheme(scheme=scheme, content=stricter(), note="Stricter", by=cast.officer)

    decided = services.decide_scheme(proposal=proposal, accept=True, reason="Fine", by=second_officer())

    assert decided.state == Proposal.State.OVERTAKEN
    assert not TieringScheme.objects.in_force().exists()


def test_the_effect_on_the_book_is_shown_before_and_is_what_happens(cast, book):
    draft = services.draft_scheme(content=stricter(), note="Stricter", by=cast.officer)

    effect = services.effect_on_book(scheme=draft)
    before = tiers(book)
    published = publish(cast, stricter())

    assert before == {"Critical": 1, "Middling": 3, "Small": 4, "Overridden": 3, "Unrated": None, "Gone": 3}
    assert {line.model.name: (line.before, line.after) for line in effect.moving} == {
        "Middling": (3, 2),
        "Overridden": (3, 2),
    }
    assert [line.model.name for line in effect.without_answer] == ["Unrated"]
    assert tiers(book) == before | {"Middling": 2, "Overridden": 2}
    assert book["Middling"].standing.__class__.objects.get(model=book["Middling"]).computed_tier == 2
    assert set(Assessment.objects.current().filter(scheme=published).values_list("model__name", flat=True)) == {
        "Critical", "Middling", "Small", "Overridden",
    }  # fmt: skip


def test_the_book_is_rated_in_one_record_with_one_entry(cast, book):
    publish(cast, stricter())

    entry = Entry.objects.filter(event="inventory.scheme_published").latest("id")
    sealed = SealedRecord.objects.get(pk=entry.sealed_in_id)
    said = {name: words for name, words in entry.data.items() if name != "announces"}
    assert said == {"number": 2, "before": 1, "rated": 4, "moved": 2, "moves": "3 → 2: 2", "lacking": 1}
    assert set(entry.trails) >= {subject_name(book["Middling"]), subject_name(book["Overridden"])}
    assert Entry.objects.filter(sealed_in=sealed).exclude(event__startswith="proposals.").count() == 1
    assert TieringScheme.objects.get(number=1).state == "superseded"


def test_models_that_lack_an_answer_keep_their_tier_under_the_scheme_that_gave_it(cast, book):
    scheme = publish(cast, with_another_factor())

    entry = Entry.objects.filter(event="inventory.scheme_published").latest("id")
    assert (entry.data["rated"], entry.data["lacking"], entry.data["moved"]) == (0, 5, 0)
    assert tiers(book)["Critical"] == 1
    assert not Assessment.objects.filter(scheme=scheme).exists()


def test_a_confirmed_rating_stays_confirmed_where_its_tier_did_not_move(cast, book):
    for name in ("Critical", "Middling"):
        services.confirm_rating(assessment=book[name].assessments.current().get(), reason="Ok", by=cast.validator)

    publish(cast, stricter())

    states = dict(Assessment.objects.current().values_list("model__name", "state"))
    assert (states["Critical"], states["Middling"]) == ("confirmed", "provisional")


def test_a_model_is_rated_by_the_scheme_that_is_in_force(cast, book):
    publish(cast, stricter())

    assert rate(book["Unrated"], cast.owner, height=1).tier == 2
    assert answers()["purpose"]["level"] == "information"


# ---- held -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change", [{"content": {}}, {"name": "x"}, {"note": "x"}, {"number": 9}, {"state": "draft"}, {"published_by": 1}]
)
def test_the_database_changes_nothing_of_a_published_scheme(cast, change):
    scheme = publish(cast)

    with pytest.raises(IntegrityError, match=r"never change|cannot go from|is set once"):
        TieringScheme.objects.filter(pk=scheme.pk).update(**change)


def test_the_database_publishes_no_scheme_that_nobody_accepted(cast):
    scheme = services.draft_scheme(content=SHIPPED, note="First", by=cast.officer)

    with pytest.raises(IntegrityError, match="no accepted proposal says"):
        published_past_the_services(cast, scheme)


@pytest.mark.outside_portal
def test_twin_without_the_guard_one_person_publishes_and_changes_a_scheme(cast, superuser):
    scheme = services.draft_scheme(content=SHIPPED, note="First", by=cast.officer)
    superuser.execute("alter table inventory_tieringscheme disable trigger hold_the_scheme")

    published_past_the_services(cast, scheme)
    TieringScheme.objects.filter(pk=scheme.pk).update(content={})

    assert TieringScheme.objects.get().content == {}


def published_past_the_services(cast, scheme) -> None:
    drafted_at = scheme.drafted_at
    TieringScheme.objects.filter(pk=scheme.pk).update(
        state="published", published_at=drafted_at, published_by=cast.officer.person
    )
