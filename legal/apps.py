from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LegalConfig(AppConfig):
    name = "legal"

    def ready(self) -> None:
        from legal.loading import load_after_migrate  # noqa: PLC0415  # models load after the apps

        post_migrate.connect(load_after_migrate, sender=self, dispatch_uid="legal.first_texts")
