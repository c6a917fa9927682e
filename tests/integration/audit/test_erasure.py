"""A file of customers' rows is erased: the file goes, its tombstone stays and verifies, in the portal and outside."""

import json
import zipfile

import pytest
from django.db import IntegrityError, connection, transaction

from audit import effects, services
from audit.models import Artefact, Entry, subject_name
from audit.services import FileErased, NotErasable, Retention, erase_artefact
from tests.integration.audit.test_export import rewritten

ROWS = b"row,score\n1,0.5\n"


@pytest.fixture
def sample(cast, log):
    """Rows of customers that hang on two units, and a report that is kept for good."""
    log.file(b"report", cast.retail)
    log.file(ROWS, cast.retail, role="sample", retention=Retention.SAMPLE)
    return log.file(ROWS, cast.markets, role="sample", retention=Retention.SAMPLE).artefact


def erase(sample, by, reason="Kept for seven years"):
    return erase_artefact(artefact=sample, reason=reason, by=by)


@pytest.mark.outside_portal
def test_the_file_goes_and_the_row_says_who_when_and_why(cast, log, sample):
    tombstone = erase(sample, cast.officer)

    assert not effects.path_of(sample.sha256).exists()
    assert (tombstone.erased_by, tombstone.erasure_reason) == (cast.officer.person_name, "Kept for seven years")
    entry = Entry.objects.newest_first().first()
    assert (entry.event, entry.actor) == ("audit.artefact_erased", cast.officer.person_name)
    assert set(entry.trails) == {subject_name(cast.retail), subject_name(cast.markets)}
    assert entry.data == {"sha256": sample.sha256, "size": len(ROWS), "reason": "Kept for seven years"}


@pytest.mark.outside_portal
def test_the_tombstone_verifies_in_the_portal_and_outside(cast, log, sample):
    log.checkpoint()
    receipt = log.receipt(log.size - 1)
    erase(sample, cast.officer)
    log.checkpoint()

    verdict = log.verify()
    exports = [log.export(receipts=(receipt,)), log.export(subject_name(cast.markets), receipts=(receipt,))]

    assert (verdict.defects, verdict.files, verdict.erased) == ([], 1, 1)
    for exported in exports:
        done = log.verify_offline(exported, receipts=[receipt])
        assert done.returncode == 0, done.stdout
        assert "1 erased files" in done.stdout
        assert ROWS not in exported.read_bytes()


@pytest.mark.outside_portal
def test_what_is_kept_for_good_is_not_erased(cast, log, sample):
    report = Artefact.objects.get(retention="record")

    with pytest.raises(NotErasable, match="as long as the model's record"):
        erase(report, cast.officer)

    assert effects.path_of(report.sha256).exists()


@pytest.mark.outside_portal
def test_without_a_reason_nothing_is_erased(cast, log, sample):
    with pytest.raises(NotErasable, match="Say why"):
        erase(sample, cast.officer, reason="  ")

    assert effects.path_of(sample.sha256).exists()


@pytest.mark.outside_portal
def test_an_erasure_that_is_rolled_back_leaves_the_file(cast, log, sample):
    with transaction.atomic():
        erase(sample, cast.officer)
        transaction.set_rollback(True)

    assert effects.path_of(sample.sha256).read_bytes() == ROWS
    assert log.verify().erased == 0


@pytest.mark.outside_portal
def test_a_file_that_a_crash_left_behind_is_reported_and_goes_when_asked_again(cast, log, sample):
    erase(sample, cast.officer)
    effects.keep([ROWS])
    log.checkpoint()
    left_behind = log.verify().defects
    entries = Entry.objects.count()

    again = erase(sample, cast.administrator, reason="Once more")

    assert left_behind == [f"file {sample.sha256} was erased on the record and still lies in the artefact folder"]
    assert log.verify().defects == []
    assert (again.erased_by, Entry.objects.count()) == (cast.officer.person_name, entries)


@pytest.mark.outside_portal
def test_an_erased_file_is_not_filed_again_and_its_bytes_do_not_stay(cast, log, sample):
    erase(sample, cast.officer)

    with pytest.raises(FileErased, match="Kept for seven years"):
        log.file(ROWS, cast.retail, role="sample again", retention=Retention.SAMPLE)

    assert not effects.path_of(sample.sha256).exists()


# ---- the database -------------------------------------------------------------------------------------------
def update(statement: str, sha256: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"update audit_artefact set {statement} where sha256 = %s", [sha256])


@pytest.mark.parametrize(
    "statement",
    ["erased_at = now()", "erased_by = 'accounts.person:1'", "erased_at = now(), erased_by = 'accounts.person:1'"],
)
@pytest.mark.outside_portal
def test_the_database_wants_who_when_and_why(cast, log, sample, statement):
    with pytest.raises(IntegrityError):
        update(statement, sample.sha256)


@pytest.mark.outside_portal
def test_the_database_erases_nothing_that_is_kept_for_good(cast, log, sample):
    report = Artefact.objects.get(retention="record")

    with pytest.raises(IntegrityError, match="artefact_erased_where_its_class_allows"):
        update("erased_at = now(), erased_by = 'x', erasure_reason = 'x'", report.sha256)


@pytest.mark.outside_portal
def test_a_tombstone_is_not_taken_back_or_put_down_to_another(cast, log, sample):
    erase(sample, cast.officer)

    for statement in (
        "erased_at = null, erased_by = '', erasure_reason = ''",
        "erased_by = 'accounts.person:999'",
        "erasure_reason = 'Another'",
    ):
        with pytest.raises(IntegrityError, match="is set once"):
            update(statement, sample.sha256)


@pytest.mark.outside_portal
def test_twin_without_its_guards_the_database_erases_what_is_kept_for_good_and_takes_it_back(
    cast, log, sample, superuser
):
    for name in ("artefact_erased_at_has_who_and_why", "artefact_erased_where_its_class_allows"):
        superuser.execute(f"alter table audit_artefact drop constraint {name}")
    superuser.execute("alter table audit_artefact disable trigger hold_erased_at_once")
    report = Artefact.objects.get(retention="record")

    update("erased_at = now()", report.sha256)
    update("erased_at = null", report.sha256)

    assert Artefact.objects.get(pk=report.pk).erased_at is None


@pytest.mark.outside_portal
def test_twin_without_its_checks_the_service_erases_what_the_database_alone_then_refuses(
    cast, log, sample, monkeypatch, superuser
):
    report = Artefact.objects.get(retention="record")
    monkeypatch.setattr(services, "_check_erasable", lambda artefact, reason: None)

    with pytest.raises(IntegrityError, match="artefact_erased_where_its_class_allows"):
        erase(report, cast.officer)
    superuser.execute("alter table audit_artefact drop constraint artefact_erased_where_its_class_allows")
    erase(report, cast.officer)

    assert not effects.path_of(report.sha256).exists()


# ---- what a verifier must not accept ---------------------------------------------------------------------------
@pytest.mark.outside_portal
def test_a_file_that_is_gone_without_a_tombstone_stays_a_defect(cast, log, sample):
    effects.remove(sample.sha256)
    log.checkpoint()

    assert log.verify().defects == [f"file {sample.sha256} is gone from the artefact folder"]


@pytest.mark.outside_portal
def test_a_file_for_good_that_is_on_record_as_erased_is_reported_by_both(cast, log, sample, superuser):
    report = Artefact.objects.get(retention="record")
    superuser.execute("alter table audit_artefact drop constraint artefact_erased_where_its_class_allows")
    update("erased_at = now(), erased_by = 'x', erasure_reason = 'x'", report.sha256)
    effects.remove(report.sha256)
    log.checkpoint()

    sentence = f"file {report.sha256} was filed for good and is on record as erased"
    assert log.verify().defects == [sentence]
    done = log.verify_offline(log.export())
    assert (done.returncode, sentence in done.stdout) == (1, True)


@pytest.mark.outside_portal
def test_an_erased_file_that_turns_up_in_an_export_is_reported(cast, log, sample):
    erase(sample, cast.officer)
    log.checkpoint()
    exported = log.export()
    with zipfile.ZipFile(exported, "a") as archive:
        archive.writestr(f"artefacts/{sample.sha256}", ROWS)

    done = log.verify_offline(exported)

    assert done.returncode == 1
    assert "was erased on the record and is in the export" in done.stdout


@pytest.mark.outside_portal
def test_a_tombstone_that_was_left_out_of_the_export_is_missed(cast, log, sample):
    erase(sample, cast.officer)
    log.checkpoint()

    def without_erasure(name, data):
        if name != "records.jsonl":
            return data
        lines = [json.loads(line) for line in data.splitlines()]
        lines[-1]["rows"] = []
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    done = log.verify_offline(rewritten(log, log.export(), without_erasure))

    assert done.returncode == 1
    assert "1 rows that were sealed are missing" in done.stdout
