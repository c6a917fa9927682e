"""`manage.py start_bank`: the first unit and two administrators of an empty portal, who bring in everybody else."""

import getpass
import secrets

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Person
from accounts.refusals import InvalidInput, NotNow
from accounts.services import Newcomer, start_bank

PASSWORD_BYTES = 18  # 144 random bits, 24 characters


class Command(BaseCommand):
    help = (
        "Makes the first unit and two administrators with their accounts; refused once anybody is known. From then on"
        " one administrator proposes a role and the other decides."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--unit", nargs=2, metavar=("CODE", "NAME"), required=True)
        parser.add_argument(
            "--administrator",
            nargs=4,
            action="append",
            metavar=("HR_NUMBER", "USERNAME", "FULL_NAME", "MAIL"),
            required=True,
            help="give it twice",
        )
        parser.add_argument(
            "--random-passwords", action="store_true", help="make them and print them once, instead of asking"
        )

    def handle(self, *args, **options) -> None:
        if Person.objects.exists():
            raise CommandError("This portal knows people already; its administrators bring in the others.")
        code, name = options["unit"]
        newcomers = [self._newcomer(described, options) for described in options["administrator"]]
        try:
            start_bank(code=code, name=name, administrators=newcomers, by=None)
        except NotNow as refusal:
            raise CommandError(str(refusal)) from refusal
        except InvalidInput as refusal:
            raise CommandError(f"Nothing was made. {refusal}") from refusal
        self.stdout.write(f"{name} has two administrators: {' and '.join(n.full_name for n in newcomers)}.")
        if options["random_passwords"]:
            self.stdout.write("Their passwords, which are shown this once:")
            for newcomer in newcomers:
                self.stdout.write(f"  {newcomer.username}  {newcomer.password}")

    def _newcomer(self, described: list[str], options: dict) -> Newcomer:
        hr_number, username, full_name, mail = described
        password = secrets.token_urlsafe(PASSWORD_BYTES) if options["random_passwords"] else self._ask(username)
        return Newcomer(hr_number, full_name, mail, username, password)

    def _ask(self, username: str) -> str:
        password = getpass.getpass(f"Password of {username}: ")
        if getpass.getpass("The same again: ") != password:
            raise CommandError(f"The two passwords of {username} differ; nothing was made.")
        return password
