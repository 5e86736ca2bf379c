from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "levqor.site"
