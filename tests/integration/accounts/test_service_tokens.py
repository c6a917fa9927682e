"""A service account's token: two administrators agree on it, and who answers for the account alone sees its secret."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import services
from accounts.models import Account, ApiToken
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry
from proposals import services as proposals
from proposals.models import Proposal
from tests.cast import token_of_service


@pytest.fixture
def ask(cast):
    def ask(*, account=cast.pipeline, scopes=("models:read",), days=30, by=cast.administrator) -> Proposal:
        return proposals.propose_token(
            account=account,
            name="deploys",
            scopes=list(scopes),
            unit=cast.retail,
            expires_at=timezone.now() + timedelta(days=days),
            reason="The pipeline moved",
            by=by,
        )

    return ask


def decide(proposal: Proposal, by: Account, *, accept: bool = True) -> Proposal:
    return proposals.decide_token(proposal=proposal, accept=accept, reason="Agreed", by=by)


@pytest.fixture
def accepted(cast, ask) -> Proposal:
    return decide(ask(), cast.second_administrator)


def test_what_was_asked_is_what_is_made_and_the_trail_says_who_did_what(cast, accepted):
    token, secret = proposals.collect_token(proposal=accepted, by=cast.owner)

    assert services.hash_of(secret) == token.sha256
    assert (token.account, token.made_by, token.unit, token.scopes) == (
        cast.pipeline,
        cast.owner.person,
        cast.retail,
        ["models:read"],
    )
    assert token.expires_at.isoformat() == accepted.change["expires_at"]
    trail = Entry.objects.on_trail(f"accounts.person:{cast.owner.person_id}").order_by("id")
    said = [(e.event, e.account) for e in trail][-4:]
    assert said == [
        ("proposals.proposed", "ada"),
        ("proposals.accepted", "bert"),
        ("accounts.token_made", "olivia"),
        ("proposals.applied", "olivia"),
    ]
    assert secret not in str([entry.data for entry in trail])


def test_who_asked_does_not_accept_it(cast, ask):
    with pytest.raises(NotPermitted, match="You asked for this yourself"):
        decide(ask(), cast.administrator)


def test_an_administrator_who_answers_for_the_account_does_not_accept_it(cast, ask):
    account = services.add_account(
        person=cast.second_administrator.person, username="robot", password=None, kind="service", by=cast.administrator
    )
    proposal = ask(account=account)

    with pytest.raises(NotPermitted, match="about you"):
        decide(proposal, cast.second_administrator)


@pytest.mark.parametrize("who", ["owner", "officer", "auditor", "stranger"])
def test_only_administrators_ask_and_decide(cast, ask, who):
    account = getattr(cast, who)

    with pytest.raises(NotPermitted):
        ask(by=account)
    with pytest.raises(NotPermitted):
        decide(ask(), account)


@pytest.mark.parametrize("who", ["administrator", "second_administrator", "stranger", "pipeline"])
def test_nobody_makes_it_but_who_answers_for_the_account(cast, accepted, who):
    with pytest.raises(NotPermitted, match="who answers for the account alone"):
        proposals.collect_token(proposal=accepted, by=getattr(cast, who))
    assert not ApiToken.objects.exists()


def test_nobody_makes_it_with_a_token(cast, accepted):
    cast.owner.token, _ = token_of_service(cast.pipeline, scopes=["models:read"], unit=cast.retail)

    with pytest.raises(NotPermitted, match="who answers for the account alone"):
        proposals.collect_token(proposal=accepted, by=cast.owner)


def test_one_that_is_open_or_declined_is_not_made_and_an_accepted_one_once(cast, ask, accepted):
    for proposal in (ask(), decide(ask(), cast.second_administrator, accept=False)):
        with pytest.raises(NotPermitted, match="takes an accepted proposal"):
            proposals.collect_token(proposal=proposal, by=cast.owner)
    proposals.collect_token(proposal=accepted, by=cast.owner)

    with pytest.raises(NotNow, match="put in force already"):
        proposals.collect_token(proposal=accepted, by=cast.owner)


def test_one_that_would_have_ended_is_not_made(cast, accepted, monkeypatch):
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(services.timezone, "now", lambda: later)

    with pytest.raises(NotNow, match="has to be proposed again"):
        proposals.collect_token(proposal=accepted, by=cast.owner)


@pytest.mark.parametrize(("change", "field"), [({"scopes": ()}, "scopes"), ({"days": -1}, "expires_at")])
def test_what_could_not_be_made_is_not_proposed(cast, ask, change, field):
    with pytest.raises(InvalidInput) as refusal:
        ask(**change)

    assert list(refusal.value.problems) == [field]


def test_a_persons_token_is_not_proposed(cast, ask):
    with pytest.raises(InvalidInput, match="that person makes the token"):
        ask(account=cast.owner)


# ---- in the database ------------------------------------------------------------------------------------------
INSERT = """
    insert into accounts_apitoken
        (person_id, account_id, name, start, sha256, scopes, unit_id, made_at, made_by_id, expires_at)
    values (%(person)s, %(account)s, %(name)s, 'assay_raw', repeat(%(digit)s, 64), %(scopes)s, %(unit)s, now(),
            %(made_by)s, %(expires_at)s)
"""


def insert(cast, accepted: Proposal, **changes) -> None:
    """Past every service, as the portal's role: what was accepted, with changes."""
    person = cast.owner.person_id
    wanted = {"person": person, "made_by": person, "account": cast.pipeline.pk, "digit": "0"} | accepted.change
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, wanted | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"scopes": ["models:write"]},
        {"expires_at": "2031-01-01Z"},
        {"unit": "markets"},
        {"made_by": "administrator"},
        {"person": "stranger", "made_by": "stranger"},
    ],
)
def test_the_database_refuses_a_token_that_no_accepted_proposal_asks_for(cast, accepted, change):
    ids = {name: getattr(cast, name).person_id for name in ("administrator", "stranger")} | {"markets": cast.markets.pk}
    changes = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in change.items()}

    with pytest.raises(IntegrityError, match="nobody may make this token"):
        insert(cast, accepted, **changes)


def test_the_database_refuses_a_token_of_a_proposal_that_is_open_or_was_applied(cast, ask, accepted):
    with pytest.raises(IntegrityError, match="nobody may make this token"):
        insert(cast, ask(days=20))
    proposals.collect_token(proposal=accepted, by=cast.owner)

    with pytest.raises(IntegrityError, match="nobody may make this token"):
        insert(cast, accepted)


def test_the_database_refuses_a_persons_token_that_another_makes(cast, accepted):
    with pytest.raises(IntegrityError, match="nobody may make this token"):
        insert(cast, accepted, account=cast.owner.pk, made_by=cast.administrator.person_id)


@pytest.mark.outside_portal
def test_by_raw_sql_one_accepted_proposal_is_one_token_and_told_as_outside_the_portal(cast, accepted):
    insert(cast, accepted)

    with pytest.raises(IntegrityError, match="nobody may make this token"):
        insert(cast, accepted, digit="1")
    assert Entry.objects.order_by("-id").first().event == "audit.outside_portal"


@pytest.mark.outside_portal
def test_twin_without_its_trigger_the_database_takes_any_token(cast, accepted, superuser):
    superuser.execute("alter table accounts_apitoken disable trigger hold_token")

    insert(cast, accepted, scopes=["models:write"], made_by=cast.administrator.person_id)

    assert ApiToken.objects.get().scopes == ["models:write"]
