"""An epoch of the log takes two administrators, each with their password again, and begins as it was accepted."""

from dataclasses import replace

import pytest

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from accounts.roles import Role
from audit import checkpoints, epochs, signed_note
from audit.models import Entry, Epoch
from proposals import services as proposals
from proposals.models import Proposal
from tests.cast import PASSWORD


@pytest.fixture
def signer(cast, settings, tmp_path):
    """The log's key; its log is signed once."""
    settings.CHECKPOINT_KEY_FILE = str(tmp_path / "log.key")
    settings.CHECKPOINT_FILE = str(tmp_path / "checkpoints.log")
    signer = checkpoints.log_signer()
    checkpoints.checkpoint_if_needed(signer)
    return signer


@pytest.fixture
def ending(signer):
    return epochs.ending(reason=epochs.ROTATION, key=signer.verifier_key, files=[])


@pytest.fixture
def new(signer):
    return checkpoints.next_signer()


@pytest.fixture
def proposal(cast, ending, new):
    return propose(cast.administrator, ending, new)


def propose(by, ending, new, *, password: str = PASSWORD) -> Proposal:
    return proposals.propose_epoch(ending=ending, new_key=new.verifier_key, reason="Yearly", password=password, by=by)


def decide(by, proposal, *, accept: bool = True, password: str = PASSWORD) -> Proposal:
    return proposals.decide_epoch(proposal=proposal, accept=accept, reason="Agreed", password=password, by=by)


def begin(proposal, ending, new, old) -> Proposal:
    checkpoints.checkpoint_if_needed(old)
    now = epochs.ending(reason=ending.reason, key=old.verifier_key, files=[])
    return proposals.begin_epoch(proposal=proposal, ending=now, new=new, old=old, by=None)


def test_what_two_administrators_agreed_on_begins(cast, proposal, ending, new, signer):
    accepted = decide(cast.second_administrator, proposal)

    applied = begin(accepted, ending, new, signer)

    assert applied.applied_at
    entry = Entry.objects.get(event="audit.epoch_begun")
    assert entry.data["key"] == new.verifier_key
    assert entry.data["asked_by"] == f"accounts.person:{cast.administrator.person_id}"
    assert entry.data["accepted_by"] == f"accounts.person:{cast.second_administrator.person_id}"


def test_a_wrong_password_signs_nothing(cast, proposal, ending, new):
    with pytest.raises(InvalidInput, match="not your password"):
        propose(cast.administrator, ending, new, password="wrong")
    with pytest.raises(InvalidInput, match="not your password"):
        decide(cast.second_administrator, proposal, password="wrong")

    assert Proposal.objects.get(kind=proposals.EPOCH).state == "open"


@pytest.mark.parametrize("who", ["officer", "auditor", "owner", "stranger"])
def test_only_administrators_ask_and_decide(cast, proposal, ending, new, who):
    with pytest.raises(NotPermitted):
        propose(getattr(cast, who), ending, new)
    with pytest.raises(NotPermitted):
        decide(getattr(cast, who), proposal)


def test_who_asked_does_not_accept(cast, proposal):
    with pytest.raises(NotPermitted, match="You asked for this yourself"):
        decide(cast.administrator, proposal)


@pytest.mark.parametrize("state", ["open", "declined"])
def test_what_nobody_accepted_does_not_begin(cast, proposal, ending, new, signer, state):
    if state == "declined":
        proposal = decide(cast.second_administrator, proposal, accept=False)

    with pytest.raises(NotNow, match="Only an accepted epoch begins"):
        begin(proposal, ending, new, signer)

    assert not Epoch.objects.exists()


def test_an_accepted_epoch_begins_once(cast, proposal, ending, new, signer):
    accepted = decide(cast.second_administrator, proposal)
    begin(accepted, ending, new, signer)

    with pytest.raises(NotNow, match="and once"):
        proposals.begin_epoch(proposal=accepted, ending=ending, new=new, old=signer, by=None)


def test_another_key_or_another_loss_is_not_what_was_accepted(cast, proposal, ending, new, signer, tmp_path):
    accepted = decide(cast.second_administrator, proposal)
    other = signed_note.load_or_make_signer(tmp_path / "other.key", signer.name, signed_note.LOG)
    lossy = replace(ending, reason=epochs.RESTORE, kept=(1, checkpoints.tree.root_of_first(1)))

    with pytest.raises(NotNow, match="not what was accepted, by new key"):
        proposals.begin_epoch(proposal=accepted, ending=ending, new=other, old=signer, by=None)
    with pytest.raises(NotNow, match="not what was accepted, by of, old size"):
        proposals.begin_epoch(proposal=accepted, ending=lossy, new=new, old=signer, by=None)


def test_no_other_kind_of_proposal_begins_an_epoch(cast, ending, new, signer):
    role = proposals.propose_role(
        person=cast.stranger.person, role=Role.VALIDATOR, unit=cast.retail, reason="Joins", by=cast.administrator
    )

    with pytest.raises(NotPermitted, match="it cannot be decided as one of"):
        decide(cast.second_administrator, role)
    with pytest.raises(NotPermitted, match="it cannot be decided as one of"):
        proposals.begin_epoch(proposal=role, ending=ending, new=new, old=signer, by=None)


@pytest.mark.parametrize("key", ["no key", "own"])
def test_a_key_that_is_none_or_the_old_one_is_not_proposed(cast, ending, signer, key):
    with pytest.raises(InvalidInput) as refused:
        proposals.propose_epoch(
            ending=ending,
            new_key=signer.verifier_key if key == "own" else key,
            reason="Yearly",
            password=PASSWORD,
            by=cast.administrator,
        )

    assert list(refused.value.problems) == ["new_key"]


def test_a_key_that_is_not_the_old_one_does_not_sign_for_it(cast, proposal, ending, new, signer, tmp_path):
    accepted = decide(cast.second_administrator, proposal)
    other = signed_note.load_or_make_signer(tmp_path / "other.key", signer.name, signed_note.LOG)

    with pytest.raises(epochs.NoNewEpoch, match="The old key at hand"):
        proposals.begin_epoch(proposal=accepted, ending=ending, new=new, old=other, by=None)
