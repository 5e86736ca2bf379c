from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "levqor.cases"
    label = "cases"
