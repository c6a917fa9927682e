"""`manage.py demo_bank FOLDER`: registers the two card models that `python -m demo.credit FOLDER` left there."""

import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from demo import bank, records


class Command(BaseCommand):
    help = "Registers the demonstration's models, watches their logs and asks for a first run; may be run again."

    def add_arguments(self, parser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration's models have no place in production: set ASSAY_ENV=demo.")
        content = json.loads((options["folder"] / "models.json").read_text())
        bank.register_mortgage_model()
        records.define_own_field()
        for described in content["models"]:
            with transaction.atomic():
                model, version = bank.register_card_model(described)
                records.describe(model, described["name"])
            # Apart: a monitor without its model is of no use, a model without its monitor is.
            bank.watch(model, version, described, content["shifts"], options["folder"])
            self.stdout.write(f"{model.ref} {model.name}: registered, watched")
        bank.tier_book()
        bank.connect_book()
        self.stdout.write("tiered by a scheme, joined to a network")
