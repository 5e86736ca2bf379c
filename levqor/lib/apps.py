from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LibConfig(AppConfig):
    name = "levqor.lib"

    def ready(self) -> None:
        autodiscover_modules("events")
