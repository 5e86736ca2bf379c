from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "levqor.site"

    def ready(self) -> None:
        from levqor.site import checks  # noqa: F401, PLC0415  # registers the system check
