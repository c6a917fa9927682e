"""The audit trail of a model and of the bank, as pages: entries, proofs, what can be taken away."""

import html
import io
import json
import re
import shlex
import subprocess
import sys
import zipfile

import pytest
from django.db import transaction
from django.test import override_settings

from audit import checkpoints, export, signed_note, tree
from audit.models import Entry, SealedRecord
from inventory import services
from inventory.models import Model
from portal.proof import proof_of, walk
from portal.trail import lines_of
from tests.pages import HTMX, browser_of, queries_of, text_of


@pytest.fixture(autouse=True)
def own_log(tmp_path):
    """A key and an append-only file of the test's own: every database is a log of its own."""
    with override_settings(
        CHECKPOINT_KEY_FILE=str(tmp_path / "checkpoint.key"), CHECKPOINT_FILE=str(tmp_path / "checkpoints")
    ):
        yield


def sign() -> None:
    checkpoints.checkpoint_if_needed(checkpoints.log_signer())


@pytest.fixture
def model(cast) -> Model:
    model, _ = services.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        developer=cast.developer.person,
        by=cast.owner,
    )
    return model


@pytest.fixture
def address(model):
    return f"/models/{model.ref}/trail/"


@pytest.fixture
def registration(model) -> Entry:
    return Entry.objects.get(event="inventory.model_registered")


# ---- entries --------------------------------------------------------------------------------------------
def test_the_trail_says_who_did_what(cast, model, address):
    page = text_of(browser_of(cast.validator).get(address))

    assert "Olivia Owner" in page
    assert "Model registered" in page
    assert model.ref in page
    assert "Sealed, not covered by a checkpoint yet" in page
    assert "Nothing on this trail came from outside the portal." in page


def test_an_entry_opens_field_by_field(cast, model, address, registration):
    digest = services.digest_of(model)
    services.edit_model(model=model, changes={"name": "Card PD, retail"}, expected_digest=digest, by=cast.owner)
    changed = Entry.objects.order_by("-id").first()

    page = text_of(browser_of(cast.auditor).get(f"/audit/?entry={changed.pk}"))

    assert "<del>Card PD</del>" in page
    assert "<ins>Card PD, retail</ins>" in page


@pytest.mark.outside_portal
def test_a_change_outside_the_portal_is_marked(cast, model, address, superuser):
    superuser.execute("update inventory_model set name = 'Other' where id = %s", [model.pk])

    page = text_of(browser_of(cast.auditor).get("/audit/?outside=1"))

    assert "Outside the portal" in page
    assert "announced by no service" in page
    assert "Model registered" not in page.split("<tbody>")[1]


SEARCHES = ("q=Olivia", "q=registered", "q=Model+registered", "event=inventory.model_registered", "q=olivia")
MISSES = ("q=nobody", "event=monitoring.breach_opened", "outside=1", f"q={'0' * 64}", "q=999999999999999999999")


def test_entries_are_found_by_person_event_number_subject_and_digest(cast, model, address, registration):
    reader = browser_of(cast.validator)
    own = (f"q={registration.pk}", f"q=inventory.model:{model.pk}", f"q={bytes(registration.digest).hex()}")

    found = {query: "<tbody>" in text_of(reader.get(f"{address}?{query}")) for query in SEARCHES + own + MISSES}

    assert [query for query, is_found in found.items() if is_found] == [*SEARCHES, *own]


def test_older_entries_are_a_page_away(cast, model, address):
    for number in range(55):
        services.register_version(model=model, label=f"1.{number}", mlflow_uri="models:/card_pd/1", by=cast.owner)
    first = text_of(browser_of(cast.owner).get(address))

    older = text_of(browser_of(cast.owner).get(address + first.split('rel="next"')[0].rsplit('href="', 1)[1][:-2]))

    assert "Model registered" not in first.split("<tbody>")[1]
    assert "Model registered" in older
    assert "Newest" in older


def test_htmx_gets_the_entries_alone(cast, address):
    assert text_of(browser_of(cast.owner).get(address, headers=HTMX)).startswith('<section class="panel" id="entries">')


def test_the_trail_takes_as_many_queries_for_many_entries_as_for_few(cast, model, address):
    few = queries_of(browser_of(cast.owner), address)
    for number in range(30):
        services.register_version(model=model, label=f"1.{number}", mlflow_uri="models:/card_pd/1", by=cast.owner)

    assert queries_of(browser_of(cast.owner), address) == few


def test_the_trail_of_the_bank_says_which_model_an_entry_is_about(cast, model, address):
    of_the_bank = text_of(browser_of(cast.auditor).get("/audit/?q=Model+registered"))
    of_the_model = text_of(browser_of(cast.auditor).get(address))

    assert f'<a href="{address}" title="Card PD">Card PD</a>' in of_the_bank
    assert '<th scope="col">On</th>' not in of_the_model


def test_an_entry_names_no_model_that_its_reader_may_not_see(cast, model):
    lines = lines_of(Entry.objects.all().select_related("sealed_in"), models=Model.objects.visible_to(cast.stranger))

    assert {line.model for line in lines} == {None}


def test_the_trail_of_the_bank_takes_as_many_queries_for_many_models_as_for_few(cast, model):
    few = queries_of(browser_of(cast.auditor), "/audit/")
    for number in range(20):
        services.register_model(
            external_id=f"cards/pd-{number}",
            name=f"Card PD {number}",
            kind="statistical",
            unit=cast.retail,
            owner=cast.owner.person,
            developer=cast.developer.person,
            by=cast.owner,
        )

    assert queries_of(browser_of(cast.auditor), "/audit/") == few


def test_entries_and_records_are_counted_apart(cast, model):
    services.register_version(model=model, label="1.0", mlflow_uri="models:/card_pd/1", by=cast.owner)

    page = text_of(browser_of(cast.auditor).get("/audit/?q=Version+registered"))

    assert f"{Entry.objects.count()} entries, sealed in {SealedRecord.objects.count()} records" in page
    assert "1 of 1, newest first" in page


def test_the_zone_stands_once_in_the_head(cast, address):
    page = text_of(browser_of(cast.owner).get(address))

    assert "Time <small>UTC</small>" in page
    assert re.search(r">\d+ \w+ \d{4} \d\d:\d\d:\d\d</time>", page)


def test_an_open_entry_speaks_in_words_and_keeps_the_stored_names_aside(cast, model, address):
    services.register_version(model=model, label="1.0", mlflow_uri="models:/card_pd/1", by=cast.owner)
    entry = Entry.objects.get(event="inventory.version_registered")

    page = text_of(browser_of(cast.owner).get(f"{address}?entry={entry.pk}"))
    words, _, stored = page.partition("As it is stored")

    assert "<h3>Version 1.0 " in words
    assert "<dt>Registered by</dt><dd>Person Olivia Owner</dd>" in words
    assert "<dt>Model</dt><dd>Model Card PD</dd>" in words
    assert "<dt>MLflow address</dt>" in words
    assert "registered_by_id" not in words
    assert "<dt>registered_by_id</dt>" in stored


def test_an_open_entry_takes_as_many_queries_for_many_rows_as_for_few(cast, model, address):
    def register(labels: list[str]) -> str:
        with transaction.atomic():
            for label in labels:
                services.register_version(model=model, label=label, mlflow_uri="models:/card_pd/1", by=cast.owner)
        return f"{address}?entry={Entry.objects.order_by('-id').first().pk}"

    few = queries_of(browser_of(cast.owner), register(["1.0"]))

    assert queries_of(browser_of(cast.owner), register([f"2.{number}" for number in range(12)])) == few


# ---- who may --------------------------------------------------------------------------------------------
def test_another_units_trail_is_not_there(cast, model, address, registration):
    stranger = browser_of(cast.stranger)

    assert stranger.get(address).status_code == 404
    assert stranger.get(f"{address}export/").status_code == 404
    assert stranger.get(f"/audit/entries/{registration.pk}/receipt/").status_code == 404
    assert stranger.get("/audit/export/").status_code == 404
    page = text_of(stranger.get(f"/audit/?entry={registration.pk}"))
    assert "No entry yet" in page
    assert "No such entry here." in page


def test_only_who_sees_the_whole_bank_sees_the_whole_log(cast, model):
    assert "Person added" in text_of(browser_of(cast.auditor).get("/audit/?q=Person+added"))
    assert "Person added</a>" not in text_of(browser_of(cast.owner).get("/audit/"))
    assert "Model registered</a>" in text_of(browser_of(cast.owner).get("/audit/"))
    of_nobody = text_of(browser_of(cast.administrator).get("/audit/"))
    assert "Model registered</a>" not in of_nobody
    assert f"none of the {SealedRecord.objects.count()} records is listed" in of_nobody
    assert "log.zip" not in of_nobody
    assert "log.zip" in text_of(browser_of(cast.auditor).get("/audit/"))


def test_the_trail_asks_strangers_to_sign_in_and_only_reads(cast, address):
    for page in (address, "/audit/", "/audit/verifier.py", "/audit/export/"):
        assert browser_of(None).get(page).status_code == 302
        assert browser_of(cast.officer).post(page).status_code == 405


# ---- proofs ---------------------------------------------------------------------------------------------
def test_an_entry_is_proved_in_the_page(cast, address, registration):
    sign()

    page = text_of(browser_of(cast.validator).get(f"{address}?entry={registration.pk}"))

    assert "Included and unchanged." in page
    assert "The checkpoint carries the log’s signature" in page
    assert "The append-only file holds it" in page
    assert "No witness is configured" in page
    assert "Consistent" in page


def test_the_page_says_how_to_add_a_witness_where_there_is_none(cast, address, registration):
    sign()

    page = text_of(browser_of(cast.validator).get(address))

    assert "Nobody beside the portal’s own operator vouches for this checkpoint." in page
    assert "python -m audit.witness" in page
    assert "ASSAY_WITNESS_URLS and ASSAY_WITNESS_KEYS" in page
    assert "--witness" not in page


def test_the_page_names_every_key_in_the_command_that_checks_them(
    cast, model, address, registration, tmp_path, settings
):
    sign()
    witness = signed_note.load_or_make_signer(tmp_path / "w", "witness.example", signed_note.COSIGNATURE)
    settings.WITNESS_URLS, settings.WITNESS_KEYS = ["http://127.0.0.1:1"], [witness.verifier_key]

    answer = browser_of(cast.validator).get(address)

    command = re.search(r'data-copy="(python3 [^"]+)"', text_of(answer))[1]
    words = shlex.split(html.unescape(command))
    assert words[:3] == ["python3", "verifier.py", f"trail-{model.ref}.zip"]
    assert words[3:] == ["--key", checkpoints.log_key(), "--witness", witness.verifier_key]
    assert "No witness is configured" not in text_of(answer)
    assert "Witness witness.example" in text_of(answer)


def test_a_witness_without_a_key_is_said_to_be_of_no_use(cast, address, registration, settings):
    sign()
    settings.WITNESS_URLS = ["http://127.0.0.1:1"]

    page = text_of(browser_of(cast.validator).get(address))

    assert "without a key in ASSAY_WITNESS_KEYS no cosignature is kept" in page


def test_an_entry_is_found_for_its_proof_by_its_digest(cast, address, registration):
    sign()

    page = text_of(browser_of(cast.validator).get(f"{address}?entry={bytes(registration.digest).hex()}"))

    assert "Included and unchanged." in page


def test_an_entry_that_nothing_covers_yet_says_so(cast, address, registration):
    page = text_of(browser_of(cast.validator).get(f"{address}?entry={registration.pk}"))

    assert "Sealed, not covered yet." in page
    assert browser_of(cast.validator).get(f"/audit/entries/{registration.pk}/receipt/").status_code == 404


TAMPERINGS = {
    "an entry's words": (
        'update audit.entry set body = \'{"name":"Another"}\' where id = %(entry)s',
        "the entry is not the one that was sealed",
    ),
    "an entry's actor": (
        "update audit.entry set actor = 'accounts.person:999' where id = %(entry)s",
        "the entry is not the one that was sealed",
    ),
    "a row's bytes": (
        "update audit.row_history set body = '{}' where sealed_in = %(position)s",
        "is not the one that was sealed",
    ),
    "a sealed record": (
        "update audit.sealed_record set body = body || '\\x00' where position = %(position)s",
        "It does not hold",
    ),
    "the signed root": (
        "update audit.checkpoint set root = sha256(root)",
        "It does not hold",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_tampered_with_does_not_hold_in_the_page(cast, address, registration, superuser, what):
    sign()
    statement, words = TAMPERINGS[what]
    superuser.execute("set session_replication_role = replica")
    for table in ("entry", "row_history", "sealed_record", "checkpoint"):
        superuser.execute(f"alter table audit.{table} disable trigger all")
    superuser.execute(statement, {"entry": registration.pk, "position": registration.sealed_in_id})

    page = text_of(browser_of(cast.validator).get(f"{address}?entry={registration.pk}"))

    assert "Included and unchanged." not in page
    assert "It does not hold." in page
    assert words in page


def test_the_way_that_is_drawn_ends_at_the_root(cast, model):
    for number in range(12):
        services.register_version(model=model, label=f"1.{number}", mlflow_uri="models:/card_pd/1", by=cast.owner)
    sign()
    size = SealedRecord.objects.count()

    for record in SealedRecord.objects.all():
        siblings = tree.inclusion_proof(record.position, size)
        joints = list(walk(bytes(record.leaf_hash), record.position, size, siblings))
        assert joints[-1].node == tree.root_of_first(size).hex()


def test_the_way_names_the_root_once(cast, address, registration):
    sign()

    page = text_of(browser_of(cast.validator).get(f"{address}?entry={registration.pk}"))

    root = tree.root_of_first(SealedRecord.objects.count()).hex()
    assert page.partition('<ol class="path"')[2].partition("</ol>")[0].count(root) == 1


def test_a_cosignature_that_no_key_verifies_does_not_hold(cast, registration, superuser):
    sign()
    superuser.execute("insert into audit.cosignature (checkpoint_id, witness, line, received_at)"
                      " select id, 'somebody', '— somebody AAAA', now() from audit.checkpoint")  # fmt: skip

    proof = proof_of(registration)

    assert [step.words for step in proof.steps if step.holds is False] == ["Witness somebody cosigned it"]
    assert not proof.holds


# ---- what can be taken away -----------------------------------------------------------------------------
def test_the_export_is_checked_by_the_verifier_alone(cast, address, registration, tmp_path):
    sign()
    reader = browser_of(cast.auditor)
    files = {
        "verifier.py": reader.get("/audit/verifier.py"),
        "trail.zip": reader.get(f"{address}export/"),
        "log.zip": reader.get("/audit/export/"),
        "receipt.json": reader.get(f"/audit/entries/{registration.pk}/receipt/"),
    }
    for name, answer in files.items():
        (tmp_path / name).write_bytes(answer.getvalue())
        assert "attachment" in answer["Content-Disposition"]

    for name in ("trail.zip", "log.zip"):
        argv = [sys.executable, "-I", "verifier.py", name, "--key", checkpoints.log_key(), "--receipt", "receipt.json"]
        done = subprocess.run(argv, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "verifier.py").read_bytes() == export.VERIFIER.read_bytes()


def test_an_export_brings_the_way_from_an_earlier_tree(cast, model, address):
    sign()
    size = SealedRecord.objects.count()
    services.register_version(model=model, label="1.0", mlflow_uri="models:/card_pd/1", by=cast.owner)
    sign()

    answer = browser_of(cast.owner).get(f"{address}export/?receipt_size={size}&receipt_size=nonsense")

    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        assert list(json.loads(archive.read("consistency.json"))) == [str(size)]


def test_without_a_checkpoint_there_is_nothing_to_take_away(cast, address):
    answer = browser_of(cast.owner).get(f"{address}export/")

    assert answer.status_code == 409
    assert "No checkpoint has been signed yet." in text_of(answer)
