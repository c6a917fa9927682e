"""`manage.py draw_states`: writes docs/states.md from the tables of transitions."""

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.states import states_page

PAGE = settings.BASE_DIR / "docs" / "states.md"


class Command(BaseCommand):
    help = "Writes docs/states.md from the tables of transitions beside the models."

    def handle(self, *args, **options) -> None:
        PAGE.write_text(states_page())
        self.stdout.write(f"written: {PAGE}")
