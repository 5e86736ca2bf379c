from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "levqor.mail"

    def ready(self) -> None:
        from levqor.mail import tracking  # noqa: F401, PLC0415  # models must be loaded before the receiver connects
