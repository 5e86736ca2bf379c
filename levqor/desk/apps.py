from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class DeskConfig(AppConfig):
    name = "levqor.desk"

    def ready(self) -> None:
        from levqor.desk import roles, runs, schedule  # noqa: PLC0415  # models load after the apps

        autodiscover_modules("desk")
        runs.listen()
        post_migrate.connect(schedule.ensure_rows, sender=self, dispatch_uid="levqor.desk.periodic_tasks")
        post_migrate.connect(roles.ensure_groups, sender=self, dispatch_uid="levqor.desk.roles")
