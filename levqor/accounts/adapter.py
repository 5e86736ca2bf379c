"""allauth's mails, sent through our outbox and written by us."""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.utils import timezone

from levqor.mail.outbox import send

# Mails that hold a code or a link with which somebody signs in or changes an account.
SECRET_MAILS = frozenset(
    {"login_code", "email_confirmation", "email_confirmation_signup", "password_reset_code", "password_reset_key"}
)
SUBJECTS = {
    "login_code": "Your code to sign in",
    "email_confirmation": "Confirm your e-mail address",
    "email_confirmation_signup": "Confirm your e-mail address",
    "password_reset_code": "Your code to set a new password",
    "password_reset_key": "Set a new password",
    "unknown_account": "Nobody has an account with this address",
    "account_already_exists": "You have an account already",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """One template serves all of them: a heading, the code or link, and what to do if it was not you."""
        name = template_prefix.rsplit("/", 1)[-1]
        words = {
            "heading": SUBJECTS.get(name) or _sentence(name),
            "code": context.get("code", ""),
            "link": context.get("password_reset_url") or context.get("activate_url") or context.get("signup_url") or "",
            "name": name,
        }
        send(
            "accounts/notice",
            email,
            words,
            key=f"accounts:{name}:{uuid.uuid4()}",
            at=timezone.now(),
            is_secret=name in SECRET_MAILS,
        )


def _sentence(name: str) -> str:
    """`password_changed` reads `Password changed`: allauth's notices are named for what happened."""
    return name.replace("_", " ").replace("totp", "authenticator app").replace("webauthn", "passkey").capitalize()
