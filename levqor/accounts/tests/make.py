"""People for the tests of sign-in: users with or without a proven address, and the mails that reached them."""

import re
from datetime import UTC, datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.test import Client

from levqor.accounts.models import Account, User
from levqor.mail.models import OutgoingMail

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
CODE = re.compile(r"^ *([A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})?) *$", re.MULTILINE)


def make_user(email: str = "ada@example.com", *, is_verified: bool = True, **changes: Any) -> User:
    user = User.objects.create_user(email, PASSWORD, **changes)
    EmailAddress.objects.create(user=user, email=email, verified=is_verified, primary=True)
    return user


def make_account(billing_email: str = "ada@example.com", **changes: Any) -> Account:
    return Account.objects.create(**{"name": "Ada Ltd", "billing_email": billing_email} | changes)


def newest_mail(to: str = "ada@example.com") -> OutgoingMail:
    return OutgoingMail.objects.filter(to_email=to).order_by("-created_at", "-pk")[0]


def code_sent_to(email: str = "ada@example.com") -> str:
    """The code in the newest mail to this address, from its text part."""
    found = CODE.search(newest_mail(email).text_body)
    assert found, newest_mail(email).text_body
    return found[1]


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client, email: str = "ada@example.com", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password} | more)


def prove_it_is_you(client: Client) -> None:
    """Types the password once more, which whatever changes how one signs in asks for."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
