"""`manage.py checkpointer`: the process that signs the log. It alone reads the signing key."""

import time

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError, connection

from audit import checkpoints
from audit.models import Checkpoint

TICK_SECONDS = 0.5
ASK_WITNESSES_AGAIN_SECONDS = 5.0


class Command(BaseCommand):
    help = "Builds the Merkle tree, signs checkpoints, hands them to the witnesses; until it is stopped."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--once", action="store_true", help="one checkpoint, then stop")
        parser.add_argument("--print-key", action="store_true", help="print the log's verifier key and stop")

    def handle(self, *args, **options) -> None:
        signer = checkpoints.log_signer()
        if options["print_key"]:
            self.stdout.write(signer.verifier_key)
            return
        asked_at = 0.0
        while True:
            try:
                checkpoint = checkpoints.checkpoint_if_needed(signer)
                due = time.monotonic() - asked_at > ASK_WITNESSES_AGAIN_SECONDS
                if checkpoint or due:
                    checkpoint = checkpoint or newest_without_all_cosignatures()
                    if checkpoint:
                        checkpoints.collect_cosignatures(checkpoint)
                    asked_at = time.monotonic()
            except OperationalError as problem:
                self.stderr.write(f"the database is away, trying again: {problem}")
                connection.close()
                time.sleep(2)
            if options["once"]:
                return
            time.sleep(TICK_SECONDS)


def newest_without_all_cosignatures() -> Checkpoint | None:
    """The newest checkpoint, where a configured witness has not cosigned it yet."""
    newest = Checkpoint.objects.order_by("-id").first()
    if newest and newest.cosignatures.count() < len(settings.WITNESS_URLS):
        return newest
    return None
