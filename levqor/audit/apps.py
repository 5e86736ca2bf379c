from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "levqor.audit"

    def ready(self) -> None:
        from levqor.audit.trail import begin_trail  # noqa: PLC0415  # models load after the apps

        post_migrate.connect(begin_trail, sender=self, dispatch_uid="levqor.audit.begin")
