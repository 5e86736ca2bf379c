from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from billing import setup  # noqa: F401, PLC0415  # registers the system checks
        from billing.models.policy import ensure_default_policy  # noqa: PLC0415  # models load after the apps

        post_migrate.connect(ensure_default_policy, sender=self, dispatch_uid="billing.default_policy")
