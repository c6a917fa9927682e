"""`manage.py load_frameworks`: publishes regimes, and packs of fields, that are not there yet; may be run again."""

from django.core.management.base import BaseCommand, CommandError

from accounts.refusals import NotNow
from inventory.services import publish_framework, publish_pack
from inventory.sources import framework_files, pack_files


class Command(BaseCommand):
    help = (
        "Publishes the regimes of inventory/frameworks. What is published never changes; a new version stands beside."
    )

    def handle(self, *args, **options) -> None:
        for file in framework_files():
            try:
                framework, is_new = publish_framework(file=file, by=None)
            except NotNow as refusal:
                raise CommandError(str(refusal)) from refusal
            self.stdout.write(
                f"{framework.short_name} version {framework.version}: {'published' if is_new else 'known'}"
            )
        for file in pack_files():
            added = publish_pack(code=file.content["code"], fields=file.content["fields"], by=None)
            self.stdout.write(f"{file.content['name']}: {len(added)} fields added")
