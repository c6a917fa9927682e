"""`manage.py checkpointer`: the process that signs the log. It alone reads the signing key."""

import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from audit import checkpoints, epochs
from audit.models import Checkpoint
from audit.signed_note import KeyUnusable, Signer

TICK_SECONDS = 0.5
ASK_WITNESSES_AGAIN_SECONDS = 5.0


class Command(BaseCommand):
    help = "Builds the Merkle tree, signs checkpoints, hands them to the witnesses; until it is stopped."

    requires_system_checks = ()  # pages have no part in signing, and checking them takes seconds

    def add_arguments(self, parser) -> None:
        parser.add_argument("--once", action="store_true", help="one checkpoint, then stop")
        parser.add_argument("--print-key", action="store_true", help="print the log's verifier key and stop")

    def handle(self, *args, **options) -> None:
        try:
            signer = checkpoints.log_signer()
            if options["print_key"]:
                self.stdout.write(signer.verifier_key)
            elif options["once"]:
                begin_signing(signer)
                sign_and_ask(signer, ask_again=True)
            else:
                self._run(signer)
        except (checkpoints.LogUnsignable, KeyUnusable) as problem:
            raise CommandError(str(problem)) from problem

    def _run(self, signer: Signer) -> None:
        """Every half second, until stopped; what may pass by itself is said and tried again."""
        is_checked, asked_at = False, 0.0
        while True:
            try:
                if not is_checked:
                    begin_signing(signer)
                    is_checked = True
                checkpoints.check_key_in_force(signer)
                ask_again = time.monotonic() - asked_at > ASK_WITNESSES_AGAIN_SECONDS
                if sign_and_ask(signer, ask_again=ask_again) or ask_again:
                    asked_at = time.monotonic()
            except (OperationalError, InterfaceError) as problem:
                self._try_again(f"the database is away: {problem}")
                connection.close()
            except OSError as problem:
                self._try_again(f"the checkpoint file cannot be written: {problem}")
            except LookupError as problem:
                self._try_again(f"the log cannot be signed, run verify_audit: {problem}")
            time.sleep(TICK_SECONDS)

    def _try_again(self, problem: str) -> None:
        self.stderr.write(f"checkpointer: {problem.strip()}; trying again")
        time.sleep(2)


def begin_signing(signer: Signer) -> None:
    """Raises LogUnsignable where this key may not sign this log as it stands."""
    checkpoints.check_same_log(signer)
    epochs.keep_in_file()


def sign_and_ask(signer: Signer, *, ask_again: bool) -> bool:
    """Sign what is new and ask the witnesses for it; else, with ask_again, for the last one. True if it signed."""
    checkpoint = checkpoints.checkpoint_if_needed(signer)
    asked = checkpoint or (newest_without_all_cosignatures() if ask_again else None)
    if asked:
        checkpoints.collect_cosignatures(asked)
    return checkpoint is not None


def newest_without_all_cosignatures() -> Checkpoint | None:
    """The newest checkpoint, where a configured witness has not cosigned it yet."""
    newest = Checkpoint.objects.order_by("-id").first()
    if newest is None:
        return None
    names = {checkpoints.witness_of(newest.note, cosignature.line) for cosignature in newest.cosignatures.all()}
    return newest if len(names - {None}) < len(settings.WITNESS_URLS) else None
