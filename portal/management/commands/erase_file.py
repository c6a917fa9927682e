"""`manage.py erase_file`: erases a file of rows of customers once they may not be kept; a tombstone stays."""

from django.core.management.base import BaseCommand, CommandError

from accounts.refusals import NotPermitted
from audit.reading import artefact_filed_as, attachments_filed_as
from audit.services import NotErasable, erase_artefact
from inventory.models import Model
from inventory.permissions import check_can_erase
from portal.credentials import ask_who


class Command(BaseCommand):
    help = (
        "Erases a file that holds rows of customers. Its digest stays, with who erased it, when and why. Asks for"
        " the password of the model risk officer who decides it. Copies in backups are erased with those."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("sha256", help="the file's digest, as the pages show it")
        parser.add_argument("--reason", required=True, help="why; it stands on the trail")
        parser.add_argument("--by", required=True, help="user name of who decides it")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args, **options) -> None:
        by, _ = ask_who(options["by"], is_piped=options["password_stdin"])
        artefact = artefact_filed_as(options["sha256"])
        if artefact is None:
            raise CommandError("No file with this digest was ever filed.")
        try:
            for model in _models_of(options["sha256"]):
                check_can_erase(by, model)
            erase_artefact(artefact=artefact, reason=options["reason"], by=by)
        except (NotPermitted, NotErasable) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Erased: {artefact.sha256}. Its tombstone stays.")


def _models_of(sha256: str) -> list[Model]:
    """The models on whose trails the file hangs: each has a say. Raises NotPermitted for a file of anything else."""
    trails = set(attachments_filed_as(sha256).values_list("trail", flat=True))
    keys = [trail.rpartition(":")[2] for trail in trails if trail.startswith("inventory.model:")]
    if not trails or len(keys) != len(trails):
        raise NotPermitted("This file does not hang on models alone; nobody may erase it.")
    return list(Model.objects.select_related("unit").filter(pk__in=keys))
