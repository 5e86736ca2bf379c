"""Where mail goes: Resend with an idempotency key, or one file a mail on a laptop."""

import re
from collections.abc import Sequence
from email import policy
from pathlib import Path
from typing import Any

from anymail.backends.resend import EmailBackend as AnymailResendBackend
from anymail.backends.resend import ResendPayload
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

# The longest line that mail may have (RFC 5322, section 2.1.1). Folded at 78, an address longer than that is encoded, and
# no mail program finds the List-Unsubscribe in what is left of it.
UNFOLDED = policy.default.clone(max_line_length=998)
# Set by delivery on each message; it never becomes a header of the mail itself.
KEY_ATTRIBUTE = "idempotency_key"


class KeyedResendPayload(ResendPayload):  # type: ignore[misc]  # Anymail ships no types
    """Anymail's payload with the HTTP header by which Resend knows a repeat (https://resend.com/docs, 24 hours)."""

    def __init__(self, message: EmailMessage, defaults: Any, backend: Any, *args: Any, **kwargs: Any) -> None:
        key = getattr(message, KEY_ATTRIBUTE, "")
        headers = {"Idempotency-Key": key} if key else {}
        super().__init__(message, defaults, backend, *args, headers=headers, **kwargs)


class ResendBackend(AnymailResendBackend):  # type: ignore[misc]  # Anymail ships no types
    def build_message_payload(self, message: EmailMessage, defaults: Any) -> ResendPayload:
        return KeyedResendPayload(message, defaults, self)


class FolderBackend(BaseEmailBackend):
    """Writes each mail into a folder as one `.eml` file; the same key writes the same file again."""

    def __init__(self, folder: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = Path(folder)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = re.sub(r"[^A-Za-z0-9@._-]+", "-", getattr(message, KEY_ATTRIBUTE, "") or str(message.subject))[:150]
            target = self.folder / f"{name}.eml"
            draft = target.with_suffix(".part")
            draft.write_bytes(message.message().as_bytes(policy=UNFOLDED))
            draft.replace(target)
        return len(email_messages)
