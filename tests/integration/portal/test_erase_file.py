"""`manage.py erase_file`: who decides signs in, did not build the model, and says why."""

import os
import subprocess
import sys

import pytest
from django.db import transaction

from audit import effects
from audit.models import Entry
from audit.services import Retention, attach
from inventory import services
from tests.cast import PASSWORD
from tests.conftest import ROOT


@pytest.fixture
def model(cast):
    model, _ = services.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        by=cast.owner,
    )
    return model


@pytest.fixture
def sha256(model):
    return filed(b"row,score", model)


def filed(content: bytes, trail, retention=Retention.SAMPLE) -> str:
    sha256, _ = effects.keep([content])
    with transaction.atomic():
        attach(
            sha256=sha256,
            media_type="text/csv",
            name="sample",
            role="sample",
            subject=trail,
            trail=trail,
            inputs={},
            code_version="test",
            retention=retention,
        )
    return sha256


def erase(sha256: str, by: str, password: str = PASSWORD, reason: str = "Kept for seven years"):
    return subprocess.run(
        [sys.executable, "manage.py", "erase_file", sha256, "--reason", reason, "--by", by, "--password-stdin"],
        cwd=ROOT,
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )


@pytest.mark.outside_portal
def test_an_officer_who_did_not_build_the_model_erases_its_file(cast, sha256, model):
    done = erase(sha256, "priya")

    assert (done.returncode, done.stdout) == (0, f"Erased: {sha256}. Its tombstone stays.\n"), done.stderr
    assert not effects.path_of(sha256).exists()
    entry = Entry.objects.on_trail(f"inventory.model:{model.pk}").newest_first().first()
    assert (entry.event, entry.account, entry.through) == ("audit.artefact_erased", "priya", "command")


@pytest.mark.parametrize(
    ("by", "password", "sentence"),
    [
        ("priya", "wrong", "do not sign in"),
        ("nobody", PASSWORD, "do not sign in"),
        ("ci-pipeline", "", "do not sign in"),
        ("olivia", PASSWORD, "another person decides whether its files are erased"),
        ("agnes", PASSWORD, "Your roles do not permit this"),
        ("ada", PASSWORD, "Your roles do not permit this"),
        ("stan", PASSWORD, "Your roles do not permit this"),
    ],
)
@pytest.mark.outside_portal
def test_nobody_else_does(cast, sha256, by, password, sentence):
    done = erase(sha256, by, password)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert effects.path_of(sha256).exists()


@pytest.mark.outside_portal
def test_each_model_on_whose_trail_the_file_hangs_has_a_say(cast, sha256):
    own, _ = services.register_model(
        external_id="own", name="Own", kind="expert", unit=cast.retail, owner=cast.officer.person, by=cast.officer
    )
    filed(b"row,score", own)

    done = erase(sha256, "priya")

    assert (done.returncode, "You own, develop or registered" in done.stderr) == (1, True)
    assert effects.path_of(sha256).exists()


@pytest.mark.outside_portal
def test_what_is_kept_for_good_hangs_elsewhere_or_is_unknown_is_refused(cast, model):
    refused = {
        filed(b"report", model, Retention.RECORD): "only rows of customers are erased",
        filed(b"elsewhere", cast.retail): "does not hang on models alone",
        "0" * 64: "No file with this digest",
    }

    for sha256, sentence in refused.items():
        done = erase(sha256, "priya")
        assert (done.returncode, sentence in done.stderr) == (1, True), done.stderr
