from django.apps import AppConfig


class StatusConfig(AppConfig):
    name = "status"

    def ready(self) -> None:
        from status import heartbeats  # noqa: PLC0415  # models load after the apps

        heartbeats.listen()
