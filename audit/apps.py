from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit.guards import govern_tables

        post_migrate.connect(govern_tables, sender=self)
