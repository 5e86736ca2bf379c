"""allauth's mails, sent through our outbox and written by us."""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.utils import timezone

from levqor.mail.outbox import send

# Mails that hold a code with which somebody signs in or changes an account.
SECRET_MAILS = frozenset({"login_code", "email_confirmation", "email_confirmation_signup", "password_reset_code"})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """`account/email/login_code` and `mfa/email/totp_activated` are ours under `emails/accounts/<last part>/`."""
        name = template_prefix.rsplit("/", 1)[-1]
        send(
            f"accounts/{name}",
            email,
            {"email": email, **context},
            # Each is asked for by a person at that moment: a second code is a second mail.
            key=f"accounts:{name}:{uuid.uuid4()}",
            at=timezone.now(),
            is_secret=name in SECRET_MAILS,
        )
