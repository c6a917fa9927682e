"""Epoch notes: what leads from one key of the log to the next, and what does not."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import verifier
from audit.signed_note import LOG, Signer, checkpoint_text, epoch_text

NAME = "bank.example/log"
ROOTS = [bytes([number]) * 32 for number in range(20)]


def signer(seed: int) -> Signer:
    return Signer(NAME, LOG, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


FIRST, SECOND, THIRD, STRANGER = (signer(seed) for seed in (1, 2, 3, 9))


def epoch_note(number=2, old=FIRST, new=SECOND, *, signed_by=None, **other) -> str:
    fields = {"number": number, "reason": "rotation", "old_key": old.verifier_key, "new_key": new.verifier_key}
    fields |= {"old_size": 8, "old_root": ROOTS[8], "kept_size": 8, "kept_root": ROOTS[8]}
    fields |= {"asked_by": "accounts.person:1", "accepted_by": "accounts.person:2"} | other
    text = epoch_text(fields)
    return f"{text}\n{''.join(by.sign(text) for by in signed_by or (new, old))}"


def restore_note(number=2, old=FIRST, new=SECOND, **other) -> str:
    lost = {"reason": "restore", "old_size": 8, "old_root": ROOTS[8], "kept_size": 5, "kept_root": ROOTS[5]}
    return epoch_note(number, old, new, **lost | other)


def checkpoint(by: Signer, size: int, root: bytes | None = None) -> str:
    text = checkpoint_text(NAME, size, root or ROOTS[size])
    return f"{text}\n{by.sign(text)}"


def chain(*notes: str, held=(FIRST,)) -> verifier.Epochs:
    return verifier.Epochs(notes, [verifier.parse_key(by.verifier_key) for by in held])


@pytest.mark.parametrize("held", [(FIRST,), (SECOND,), (THIRD,), (FIRST, THIRD)])
def test_whoever_holds_the_key_of_any_epoch_follows_the_notes_to_the_key_in_force(held):
    found = chain(epoch_note(), restore_note(3, SECOND, THIRD, old_size=12, old_root=ROOTS[12]), held=held)

    assert [key[1] for key in found.keys] == [by.key_id for by in (FIRST, SECOND, THIRD)]


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (epoch_note(signed_by=(SECOND,)), "anybody can make such a note"),
        (epoch_note(signed_by=(FIRST,)), "not signed by the key that it begins with"),
        (epoch_note(signed_by=(SECOND, STRANGER)), "anybody can make such a note"),
        (epoch_note(new=STRANGER, signed_by=(STRANGER,)), "anybody can make such a note"),
        (epoch_note(old=STRANGER), "the key of no epoch"),
        (epoch_note(number=3), "stands where that of epoch 2 belongs"),
        (epoch_note(new=FIRST), "a key that the log had before"),
        (epoch_note(accepted_by="accounts.person:1"), "two persons"),
        (epoch_note(kept_size=5, kept_root=ROOTS[5]), "a rotation keeps all records"),
        (restore_note(kept_size=8, kept_root=ROOTS[8]), "a rotation keeps all records"),
        (restore_note(kept_size=9, kept_root=ROOTS[9]), "what the epoch before it did not have"),
        (epoch_note(kept_root=ROOTS[7]), "what the epoch before it did not have"),
        (epoch_note(reason="merger"), "a rotation keeps all records"),
        (epoch_note().replace("old-size 8", "old-size 7"), "not signed by the key that it begins with"),
        (epoch_note().replace("old-size 8", "old-size eight"), "cannot be read"),
        (checkpoint(SECOND, 8), "not an epoch note"),
    ],
)
def test_a_note_that_does_not_lead_from_one_key_to_the_next_is_refused(note, says):
    with pytest.raises(verifier.Defect, match=says):
        chain(note)


def test_notes_of_another_log_lead_nowhere():
    with pytest.raises(verifier.Defect, match="names another key of epoch 2"):
        chain(epoch_note(), epoch_note(3, STRANGER, THIRD))


def test_an_epoch_does_not_end_below_its_beginning():
    shrunk = {"old_size": 7, "old_root": ROOTS[7], "kept_size": 7, "kept_root": ROOTS[7]}

    with pytest.raises(verifier.Defect, match="epoch 2 ended with fewer records than it began with"):
        chain(epoch_note(), epoch_note(3, SECOND, THIRD, **shrunk))


def test_a_lost_key_takes_the_new_one_from_somebody_whom_the_reader_trusts():
    unsigned = epoch_note(signed_by=(SECOND,))

    assert len(chain(unsigned, held=(FIRST, SECOND)).keys) == 2
    with pytest.raises(verifier.Defect, match="the key of no epoch"):
        chain(unsigned, held=(FIRST, STRANGER))


def test_a_checkpoint_belongs_to_the_epoch_whose_key_signed_it():
    found = chain(epoch_note())

    assert found.check_checkpoint(checkpoint(FIRST, 7))[0] == 1
    assert found.check_checkpoint(checkpoint(SECOND, 9))[0] == 2
    with pytest.raises(verifier.Defect, match="not signed by"):
        found.check_checkpoint(checkpoint(STRANGER, 9))


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (checkpoint(FIRST, 9), "hides some"),
        (checkpoint(FIRST, 8, ROOTS[3]), "another tree"),
        (checkpoint(SECOND, 7), "fewer records than the epoch began with"),
    ],
)
def test_a_key_signs_nothing_outside_its_epoch(note, says):
    with pytest.raises(verifier.Defect, match=says):
        chain(epoch_note()).check_checkpoint(note)


def test_what_a_restore_lost_is_known_by_epoch_and_place():
    found = chain(
        restore_note(),
        epoch_note(
            3, SECOND, THIRD, reason="restore", old_size=12, old_root=ROOTS[12], kept_size=9, kept_root=ROOTS[9]
        ),
    )

    assert [found.kept_of(number) for number in (1, 2, 3)] == [5, 9, None]
    assert found.loss_at(1, 4) is None
    assert verifier.loss_of(found.loss_at(1, 5)) == "records beyond size 5 were lost in the restore of epoch 2"
    assert verifier.loss_of(found.loss_at(2, 10)) == "records beyond size 9 were lost in the restore of epoch 3"
    assert found.loss_at(3, 15) is None


def test_a_later_restore_may_lose_what_an_earlier_one_kept():
    found = chain(
        restore_note(),
        epoch_note(
            3, SECOND, THIRD, reason="restore", old_size=12, old_root=ROOTS[12], kept_size=3, kept_root=ROOTS[3]
        ),
    )

    assert [found.kept_of(number) for number in (1, 2, 3)] == [3, 3, None]
    assert verifier.loss_of(found.loss_at(1, 4)) == "records beyond size 3 were lost in the restore of epoch 3"
    assert list(found.prefixes()) == [(3, 3, ROOTS[3])]


def test_notes_come_back_from_the_file_that_holds_them():
    notes = [epoch_note(), epoch_note(3, SECOND, THIRD)]

    assert verifier.split_notes("\n".join(notes)) == notes
    assert verifier.split_notes("") == []
