from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "levqor.accounts"

    def ready(self) -> None:
        # allauth's models and ours can be imported only once every app is loaded.
        from allauth.account.signals import email_confirmed, user_logged_in  # noqa: PLC0415

        from levqor.accounts.membership import join_on_confirmed_address, join_on_sign_in  # noqa: PLC0415

        user_logged_in.connect(join_on_sign_in, dispatch_uid="join_on_sign_in")
        email_confirmed.connect(join_on_confirmed_address, dispatch_uid="join_on_confirmed_address")
