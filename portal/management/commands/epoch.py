"""`manage.py epoch`: the log's next key, and the epoch that begins with it; docs/own-servers.md gives the order."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit import checkpoints, epochs, verifier
from audit.signed_note import KeyUnusable, Signer
from portal.credentials import ask_who
from proposals import services as proposals
from proposals.models import Proposal

REFUSALS = (
    *(NotPermitted, NotNow, InvalidInput),
    *(epochs.NoNewEpoch, verifier.Defect, checkpoints.LogUnsignable, KeyUnusable),
)


class Command(BaseCommand):
    help = (
        "Begins a new epoch of the log: another signing key (rotation), or what is left after a restore from backup"
        " (restore). One administrator proposes it, another accepts it; then it is begun where the keys lie."
    )
    requires_system_checks = ()  # pages have no part in it, and checking them takes seconds

    def add_arguments(self, parser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("new-key", help="make the next key beside the signing key, and print its public half")
        propose = acts.add_parser("propose", help="ask for an epoch, as an administrator")
        propose.add_argument("of", choices=[epochs.ROTATION, epochs.RESTORE])
        propose.add_argument("--new-key", help="the next key's public half; by default the one beside the signing key")
        accept = acts.add_parser("accept", help="accept what another administrator proposed")
        accept.add_argument("number", type=int, help="of the proposal")
        begin = acts.add_parser("begin", help="begin the accepted epoch, where the signing keys lie")
        begin.add_argument("--without-old-key", action="store_true", help="the old key is lost and cannot sign")
        note = acts.add_parser("note", help="print the note of an epoch, for those who run witnesses")
        note.add_argument("number", type=int)
        for who in (propose, accept):
            who.add_argument("--by", required=True, help="user name of the administrator")
            who.add_argument("--reason", required=True, help="why; it stands on the trail")
            who.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        for act in (propose, begin):
            act.add_argument("--key", help="a verifier key of this log; by default the one beside the signing key")
            act.add_argument(
                "--checkpoints",
                action="append",
                metavar="FILE",
                help="a file of checkpoints, by default the append-only one; may be given again: a witness's history",
            )

    def handle(self, *args, **options) -> None:
        act = {"new-key": self._new_key, "propose": self._propose, "accept": self._accept, "begin": self._begin}
        try:
            (act | {"note": self._note})[options["act"]](options)
        except REFUSALS as refusal:
            raise CommandError(str(refusal)) from refusal

    def _new_key(self, options: dict) -> None:
        self.stdout.write(checkpoints.next_signer().verifier_key)

    def _propose(self, options: dict) -> None:
        new_key = options["new_key"] or checkpoints.next_key()
        if not new_key:
            raise CommandError("There is no next key here: `manage.py epoch new-key` makes it, or give --new-key.")
        by, password = ask_who(options["by"], is_piped=options["password_stdin"])
        proposal = proposals.propose_epoch(
            ending=ending(options["of"], options), new_key=new_key, reason=options["reason"], password=password, by=by
        )
        self.stdout.write(f"Proposal {proposal.pk}: {proposal.change['what']}. Another administrator accepts it.")

    def _accept(self, options: dict) -> None:
        proposal = Proposal.objects.filter(pk=options["number"], kind=proposals.EPOCH).first()
        if proposal is None:
            raise CommandError(f"No proposal {options['number']} asks for an epoch of the log.")
        by, password = ask_who(options["by"], is_piped=options["password_stdin"])
        decided = proposals.decide_epoch(
            proposal=proposal, accept=True, reason=options["reason"], password=password, by=by
        )
        self.stdout.write(
            f"{decided.get_state_display()}: {decided.change['what']}. `manage.py epoch begin` begins it."
        )

    def _begin(self, options: dict) -> None:
        if not checkpoints.next_key_file().exists():
            raise CommandError("There is no next key here to begin with: `manage.py epoch new-key` makes it.")
        new = checkpoints.next_signer()
        if epochs.key_in_force() != new.verifier_key:  # else it began, and stopped before the keys changed places
            begin(new, options)
        number = len(epochs.notes()) + 1
        retired = checkpoints.put_next_key_in_place(number - 1)
        self.stdout.write(
            f"Epoch {number} of the log began. Its key: {new.verifier_key}\nStart the checkpointer again. The key of"
            f" epoch {number - 1} lies in {retired}: destroy it, or put it where nobody signs. Witnesses of a restore"
            f" need the note: `manage.py epoch note {number}`."
        )

    def _note(self, options: dict) -> None:
        found = [note for note in epochs.notes() if epochs.parts_of(note)["number"] == options["number"]]
        if not found:
            raise CommandError(f"No epoch {options['number']} has begun; the first has no note.")
        self.stdout.write(found[0], ending="")


def begin(new: Signer, options: dict) -> None:
    proposal = accepted(new.verifier_key)
    old = None if options["without_old_key"] else old_signer()
    if old and proposal.change["of"] == epochs.ROTATION:
        checkpoints.check_same_log(old)
        checkpoints.checkpoint_if_needed(old)  # the old key's last: all that is there until now
    proposals.begin_epoch(proposal=proposal, ending=ending(proposal.change["of"], options), new=new, old=old, by=None)


def accepted(new_key: str) -> Proposal:
    waiting = Proposal.objects.filter(
        kind=proposals.EPOCH, state=Proposal.State.ACCEPTED, applied_at=None, change__new_key=new_key
    )
    if proposal := waiting.first():
        return proposal
    raise CommandError("No accepted proposal asks for an epoch with the next key: two administrators ask and accept.")


def old_signer() -> Signer:
    """The key in force, which must be there: none is made in its place."""
    if not checkpoints.key_file().exists():
        raise CommandError(
            f"{checkpoints.key_file()} is not there. Put the saved copy back. If there is none, begin with"
            " --without-old-key; every reader and witness then needs the new key from somebody whom they trust."
        )
    return checkpoints.log_signer()


def ending(of: str, options: dict) -> epochs.Ending:
    files = options["checkpoints"] or [settings.CHECKPOINT_FILE]
    return epochs.ending(
        reason=of, key=options["key"] or checkpoints.log_key(), files=[Path(file) for file in files if file]
    )
