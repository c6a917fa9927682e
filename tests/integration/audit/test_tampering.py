"""Each kind of tampering, as superuser, is caught by an outsider with an earlier receipt, or by verify_audit."""

import pytest

from accounts import services
from audit import checkpoints, effects
from audit.models import Checkpoint, Entry
from tests.integration.audit.tampering import TAMPERING, guards_off
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.outside_portal  # files and units that no service announced

# What the log itself cannot hold: the rows and the guards as they stand. verify_audit reads those.


@pytest.fixture
def kept(log):
    """A log of six records with a file, and the receipts that readers took away: (log, receipts)."""
    unit, *_ = log.write(5)
    log.file(b"report", unit)
    log.checkpoint()
    return log, tuple(log.receipt(position) for position in (1, 2, 5))


def go_on(log) -> None:
    """The portal notices nothing: it writes, and signs what it finds with its own key."""
    services.add_unit(code="afterwards", name="Afterwards", parent=None, by=None)
    checkpoints.checkpoint_if_needed(log.signer)
    assert Checkpoint.objects.order_by("-id").first().note.startswith(log.signer.name)


def test_the_untouched_log_verifies_in_the_same_way(kept):
    log, receipts = kept
    go_on(log)

    done = log.verify_offline(log.export(receipts=receipts), receipts=receipts)

    assert done.returncode == 0, done.stdout
    assert "3 receipts" in done.stdout
    assert log.verify().defects == []


@pytest.mark.parametrize("kind", TAMPERING)
def test_an_outsider_with_an_earlier_receipt_catches(kept, superuser, kind):
    log, receipts = kept

    with guards_off(superuser):
        TAMPERING[kind](superuser)
    go_on(log)

    done = log.verify_offline(log.export(receipts=receipts), receipts=receipts)
    verdict = log.verify()
    assert done.returncode == 1, f"{kind}: {done.stdout}{done.stderr}"
    assert "DEFECT" in done.stdout
    assert verdict.defects, f"verify_audit does not catch: {kind}"


def test_without_an_earlier_receipt_a_rewritten_log_verifies_for_an_outsider(kept, superuser):
    """Why receipts, witnesses and the checkpoint file exist: hashes and the log's own key are not enough."""
    log, _ = kept

    with guards_off(superuser):
        TAMPERING["rewrite everything from the middle to the tip, signed again"](superuser)
    go_on(log)

    assert log.verify_offline(log.export()).returncode == 0
    assert all(defect.startswith("checkpoint file") for defect in log.verify().defects)
    assert log.verify().defects


def test_a_receipt_catches_a_rewritten_past_in_one_trails_export_too(kept, superuser):
    log, receipts = kept
    with guards_off(superuser):
        TAMPERING["replace a record and its leaf"](superuser)
        TAMPERING["rewrite everything from the middle to the tip, signed again"](superuser)
    go_on(log)

    done = log.verify_offline(log.export("accounts.unit:1", receipts=receipts), receipts=receipts)

    assert done.returncode == 1
    assert "history was rewritten" in done.stdout


# ---- what stands outside the log: only verify_audit can see it ------------------------------------------
def alter_live_row(superuser):
    superuser.execute("alter table accounts_unit disable trigger audit_capture")
    superuser.execute("update accounts_unit set name = 'Smuggled' where id = 1")
    superuser.execute("alter table accounts_unit enable always trigger audit_capture")


def delete_live_row(superuser):
    superuser.execute("alter table audit_attachment disable trigger all")
    superuser.execute("delete from audit_attachment")
    superuser.execute("alter table audit_attachment enable trigger all")
    for name in ("audit_capture", "audit_no_truncate"):
        superuser.execute(f"alter table audit_attachment enable always trigger {name}")


def insert_live_row(superuser):
    superuser.execute("alter table accounts_unit disable trigger audit_capture")
    superuser.execute("insert into accounts_unit (code, name, path) values ('x', 'Smuggled', '/x/')")
    superuser.execute("alter table accounts_unit enable always trigger audit_capture")


def move_subject_head(superuser):
    superuser.execute("update audit.subject_head set digest = sha256('x') where subject = 'accounts.unit:1'")


ROWS = {
    "a governed row altered behind the trail": (alter_live_row, "1 rows of accounts_unit are not as"),
    "a governed row deleted behind the trail": (delete_live_row, "1 rows of audit_attachment are not as"),
    "a governed row inserted behind the trail": (insert_live_row, "1 rows of accounts_unit are not as"),
    "a subject head moved": (move_subject_head, "1 subject heads do not hold"),
}


@pytest.mark.parametrize("kind", ROWS)
def test_only_verify_audit_sees(kept, superuser, kind):
    log, receipts = kept
    tamper, sentence = ROWS[kind]

    tamper(superuser)
    log.checkpoint()

    assert any(sentence in defect for defect in log.verify().defects)
    assert log.verify_offline(log.export(receipts=receipts), receipts=receipts).returncode == 0


GUARDS = {
    "the capture trigger dropped": "drop trigger audit_capture on accounts_unit",
    "the capture trigger disabled": "alter table accounts_unit disable trigger audit_capture",
    "the capture trigger made ordinary": "alter table accounts_unit enable trigger audit_capture",
    "the sealing trigger disabled": "alter table audit.tx disable trigger seal",
    "the append-only trigger dropped": "drop trigger append_only on audit.sealed_record",
    "a table no longer listed as governed": "delete from audit.governed where table_name = 'accounts_unit'",
}


@pytest.mark.parametrize("kind", GUARDS)
def test_verify_audit_names_and_the_next_checkpoint_covers(kept, superuser, kind):
    log, _ = kept
    before = Checkpoint.objects.order_by("-id").first()

    superuser.execute(GUARDS[kind])
    at_once = log.verify().defects
    log.checkpoint()
    later = log.verify().defects

    assert any("not those of the last checkpoint" in defect for defect in at_once)
    assert any("is not guarded" in defect or "no longer listed" in defect for defect in later)
    assert bytes(Checkpoint.objects.order_by("-id").first().triggers) != bytes(before.triggers)


def test_a_guard_whose_function_was_hollowed_out_is_on_the_trail(kept, superuser):
    log, _ = kept

    superuser.execute(
        "create or replace function audit.refuse() returns trigger language plpgsql as $$ begin return null; end $$"
    )
    log.checkpoint()

    verdict = log.verify()
    assert verdict.guards_changed == 1
    assert "1 changes of the guards" in log.verify_offline(log.export()).stdout


# What guards the trail and is no trigger. Each sentence is meant to change the digest of the guards.
OTHER_GUARDS = {
    "a check constraint dropped": "alter table accounts_roleassignment drop constraint role_not_granted_to_oneself",
    "a unique index dropped": "drop index role_once_per_unit",
    "a unique constraint dropped": "alter table proposals_conflict drop constraint conflict_once_per_reason",
    "an exclusion constraint added": "alter table accounts_unit add exclude using btree (code with =) where (id > 9)",
    "a constraint that no longer holds for what is there": (
        "alter table proposals_proposal drop constraint applied_proposal_was_accepted;"
        "alter table proposals_proposal add constraint applied_proposal_was_accepted"
        " check (applied_at is null or state = 'accepted') not valid"
    ),
    "a rule that does something else instead": "create rule away as on update to accounts_unit do instead nothing",
    "deletion granted to the portal's role": "grant delete on accounts_unit to app",
    "a table of the trail writable for the portal's role": "grant insert on audit.entry to app",
    "a column granted to the portal's role": "grant update (sealed_in) on audit.row_history to app",
    "a table granted to everybody": "grant update on audit.subject_head to public",
    "a function granted to the portal's role": (
        "grant execute on function audit.register_governed(text, text, text, text, text[]) to app"
    ),
    "a right taken from the portal's role": "revoke execute on function audit.hold_subjects(text[]) from app",
    "audit.record rewritten": "alter function audit.record set search_path = public",
    "audit.clock rewritten": (
        "create or replace function audit.clock() returns timestamptz language sql volatile security definer"
        " set search_path = pg_catalog, pg_temp return '2001-01-01Z'::timestamptz"
    ),
    "audit.seal rewritten": (
        "create or replace function audit.seal() returns trigger language plpgsql security definer as"
        " $$ begin delete from audit.tx where txid = new.txid; return null; end $$"
    ),
    "a function with its owner's rights added": (
        "create function public.erase() returns void language sql security definer as 'delete from audit.head'"
    ),
    "a table of the trail given to another owner": "alter table audit.cosignature owner to migrator",
    "the portal's role made a member of the trail's owner": "grant audit_owner to app",
    "the portal's role made a superuser": "alter role app superuser",
}
ROLES_AGAIN = "revoke audit_owner from app; alter role app nosuperuser"  # roles are the server's, not the database's


@pytest.mark.parametrize("kind", OTHER_GUARDS)
def test_a_change_of_any_other_guard_is_reported_and_put_on_the_trail(kept, superuser, kind):
    log, _ = kept
    assert log.verify().guards_changed == 0

    try:
        superuser.execute(OTHER_GUARDS[kind])
        defects = log.verify().defects
        log.checkpoint()
    finally:
        superuser.execute(ROLES_AGAIN)

    assert any("that guard the trail are not those of the last checkpoint" in defect for defect in defects)
    assert Entry.objects.filter(event="audit.guards_changed").count() == 1


def test_the_audit_page_tells_a_change_of_the_guards_at_once_and_for_good(cast, log, superuser):
    log.write(1)
    log.checkpoint()
    browser = browser_of(cast.auditor)
    assert "Not those that were signed" not in text_of(browser.get("/audit/"))

    superuser.execute("grant update on audit.entry to app")
    assert "Not those that were signed" in text_of(browser.get("/audit/"))
    log.checkpoint()

    page = text_of(browser.get("/audit/"))
    assert "Guards of the trail changed" in page
    assert "Not those that were signed" not in page


def test_what_is_no_guard_changes_nothing_of_their_digest(kept, superuser):
    superuser.execute("create table public.notes (id int primary key, words text check (words <> ''))")
    superuser.execute("grant all on public.notes to app; create index on accounts_unit (name)")
    superuser.execute("analyze; reindex table accounts_unit")

    assert kept[0].verify().defects == []


def test_an_upgrade_that_adds_guards_is_a_change_on_the_trail_and_no_defect(kept, superuser):
    log, _ = kept
    superuser.execute("alter table accounts_unit add constraint unit_has_a_name check (name <> '')")

    log.checkpoint()

    verdict = log.verify()
    assert (verdict.guards_changed, verdict.defects) == (1, [])


def test_a_record_that_was_never_sealed_is_reported(kept, superuser):
    log, _ = kept
    superuser.execute("alter table audit.tx disable trigger seal")
    superuser.execute("update accounts_unit set name = 'Unsealed' where id = 1")
    superuser.execute("alter table audit.tx enable always trigger seal")

    assert any("committed without being sealed" in defect for defect in log.verify().defects)


def test_the_checkpoint_file_catches_a_log_that_was_put_back(kept, superuser):
    """A restore of an old backup, signed on: the file outside the database remembers more."""
    log, _ = kept
    with guards_off(superuser):
        TAMPERING["cut off the end"](superuser)
    log.checkpoint()

    assert any("its end is gone" in defect for defect in log.verify().defects)


def test_a_checkpoint_file_that_is_gone_is_reported(kept):
    log, _ = kept
    log.checkpoint_file.unlink()

    assert log.verify().defects == [f"the checkpoint file {log.checkpoint_file} is gone"]


def test_the_folder_is_read_by_its_digests(kept):
    log, _ = kept

    assert log.verify().files == 1
    assert effects.path_of(effects.keep([b"report"])[0]).read_bytes() == b"report"
