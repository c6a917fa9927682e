from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit.guards import govern_tables

        post_migrate.connect(govern_tables, sender=self)
        autodiscover_modules("events")  # so that a trail reads the same in every process
