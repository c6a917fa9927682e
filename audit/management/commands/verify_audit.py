"""`manage.py verify_audit`: verify the whole log; exit status 1 where something does not hold."""

import sys

from django.core.management.base import BaseCommand

from audit.checkpoints import log_signer
from audit.verification import verify_log


class Command(BaseCommand):
    help = "Verifies every byte of the log, its checkpoints, its guards, the governed rows and the files."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--key", help="the log's verifier key; by default that of the key file")

    def handle(self, *args, **options) -> None:
        verdict = verify_log(options["key"] or log_signer().verifier_key)
        for defect in verdict.defects:
            self.stdout.write(f"DEFECT  {defect}")
        self.stdout.write(
            f"{verdict.records} records, {verdict.entries} entries ({verdict.outside} outside the portal),"
            f" {verdict.rows} rows, {verdict.checkpoints} checkpoints, {verdict.cosignatures} cosignatures,"
            f" {verdict.files} files. Root {verdict.root}"
        )
        self.stdout.write("VERIFIED" if verdict.holds else f"NOT VERIFIED: {len(verdict.defects)} defects")
        if not verdict.holds:
            sys.exit(1)
