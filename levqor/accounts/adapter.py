"""allauth's mails, sent through our outbox and written by us."""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from levqor.guard.limits import Limit, accept
from levqor.guard.networks import client_address
from levqor.mail.outbox import send

# Mails that hold a code with which somebody signs in or changes an account.
SECRET_MAILS = frozenset({"login_code", "email_confirmation", "email_confirmation_signup", "password_reset_code"})
# Mails that a stranger can have sent to any address. allauth limits each door by itself and per minute; this holds for all
# doors together, so that nobody's mailbox can be filled from here.
MAILS_FOR_THE_ASKING = SECRET_MAILS | {"account_already_exists", "unknown_account"}
MAX_ADDRESS = 254
PER_ADDRESS = Limit("accounts.mail", 10)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """`account/email/login_code` and `mfa/email/totp_activated` are ours under `emails/accounts/<last part>/`."""
        name = template_prefix.rsplit("/", 1)[-1]
        now = timezone.now()
        if name in MAILS_FOR_THE_ASKING:
            accept((PER_ADDRESS, email), at=now)
        send(
            f"accounts/{name}",
            email,
            {"email": email, **context},
            # Each is asked for by a person at that moment: a second code is a second mail.
            key=f"accounts:{name}:{uuid.uuid4()}",
            at=now,
            is_secret=name in SECRET_MAILS,
        )

    def clean_email(self, email: str) -> str:
        """allauth's fields take longer addresses than its own table, and ours, can hold."""
        if len(email) > MAX_ADDRESS:
            raise ValidationError(f"An e-mail address has at most {MAX_ADDRESS} characters.")
        return str(super().clean_email(email))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Staff begin at their desk, customers at their account."""
        return reverse("admin:index") if request.user.is_staff else str(super().get_login_redirect_url(request))

    def get_client_ip(self, request: HttpRequest) -> str:
        """Ours, so that sign-in and the other limits agree on who calls, and a short header is no error."""
        return client_address(request)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    def validation_error(self, code: str, *args: object) -> ValidationError:
        """allauth speaks of a code also where a key was used, and nobody typed one."""
        if code == "incorrect_code" and "credential" in allauth_context.request.POST:
            return ValidationError("This passkey or security key was not accepted. Choose another way.", code=code)
        error: ValidationError = super().validation_error(code, *args)
        return error
