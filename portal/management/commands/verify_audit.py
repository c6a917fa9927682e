"""`manage.py verify_audit`: verify the whole log, and the measurements that it seals by digest.

Exit status 1: something does not hold; 2: it cannot be checked.
"""

import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit.checkpoints import LogUnsignable, log_key
from audit.verification import verify_log
from audit.verifier import Defect
from monitoring.verification import verify_figures


class Command(BaseCommand):
    help = "Verifies every byte of the log, its checkpoints, its guards, the governed rows, the files and the figures."

    requires_system_checks = ()  # pages have no part in verifying, and checking them takes seconds

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--key", help="the log's verifier key, of any epoch; by default the one beside the signing key"
        )
        parser.add_argument(
            "--checkpoint-file",
            default=settings.CHECKPOINT_FILE,
            help="the append-only copy of every checkpoint; by default ASSAY_CHECKPOINT_FILE, '' for none",
        )

    def handle(self, *args, **options) -> None:
        path = Path(options["checkpoint_file"]) if options["checkpoint_file"] else None
        try:
            verdict = verify_log(options["key"] or log_key(), checkpoint_file=path)
        except (LogUnsignable, Defect) as problem:
            raise CommandError(f"cannot be checked: {problem}", returncode=2) from problem
        measured = verify_figures()
        defects = verdict.defects + measured.defects
        for defect in defects:
            self.stdout.write(f"DEFECT  {defect}")
        for loss in verdict.losses:
            self.stdout.write(f"STATED  {loss}")
        self.stdout.write(
            f"{verdict.records} records, {verdict.entries} entries ({verdict.outside} outside the portal,"
            f" {verdict.guards_changed} changes of the guards), {verdict.rows} rows, {verdict.checkpoints} checkpoints"
            f" ({verdict.anchored} in the file), {verdict.epochs} epochs, {verdict.cosignatures} cosignatures,"
            f" {verdict.files} files ({verdict.erased} erased),"
            f" {measured.figures} figures of {measured.windows} windows ({measured.older} windows are older than their"
            f" seal). Root {verdict.root}"
        )
        self.stdout.write(f"NOT VERIFIED: {len(defects)} defects" if defects else "VERIFIED")
        if defects:
            sys.exit(1)
