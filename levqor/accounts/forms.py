"""allauth's forms for passkeys and security keys, which take what a browser never sends for a key that is refused."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as allauth_forms

logger = structlog.get_logger(__name__)

# What fido2 raises over bytes that are no credential; allauth expects a part of these, and answered 500 to the rest.
UNREADABLE = (AttributeError, LookupError, NotImplementedError, TypeError, ValueError, struct.error)


@contextmanager
def unreadable_is_refused() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        logger.info("key_unreadable", error=type(error).__name__)
        raise get_adapter().validation_error("incorrect_code") from error


class AddKeyForm(allauth_forms.AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    def clean(self) -> dict[str, Any]:
        with unreadable_is_refused():
            cleaned: dict[str, Any] = super().clean()
            return cleaned


class UseKeyForm(allauth_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    def clean_credential(self) -> Any:
        with unreadable_is_refused():
            return super().clean_credential()


class SignInByKeyForm(UseKeyForm, allauth_forms.LoginWebAuthnForm):  # type: ignore[misc]  # as above
    """Of a passkey alone, before anybody is known."""


class ProveByKeyForm(UseKeyForm, allauth_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    """Of somebody who is signed in and changes how they sign in."""
