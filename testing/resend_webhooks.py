"""Resend's tracking events, made by hand and signed as svix does."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

type Json = dict[str, Any]

HARD_BOUNCE = {
    "message": "The recipient's email provider sent a hard bounce message and gave no reason.",
    "subType": "General",
    "type": "Permanent",
}
SUPPRESSED = {
    "message": "Resend has suppressed sending to this address because it bounced before.",
    "subType": "Suppressed",
    "type": "Permanent",
}


def webhook(
    event_type: str,
    mail_id: str,
    to: str,
    at: int,
    secret: str,
    *,
    created: int | None = None,
    subject: str = "Your payment failed",
    sender: str = "Levqor <billing@example.com>",
    headers: Mapping[str, str] | None = None,
    signed_at: int | None = None,
    **details: Any,
) -> tuple[bytes, dict[str, str]]:
    """Body and svix headers. The same event at the same time is a repost: it keeps its `svix-id`, as at svix.

    `at` is when it happened, `created` when the mail was made, `signed_at` the delivery (now, as verifiers expect).
    """
    data: Json = {
        "broadcast_id": None,
        "created_at": iso(at if created is None else created),
        "email_id": mail_id,
        "from": sender,
        "to": [to],
        "subject": subject,
        "headers": [{"name": name, "value": value} for name, value in (headers or {}).items()],
        "tags": {},
    }
    data |= _details(event_type, at) | details
    body = json.dumps({"type": event_type, "created_at": iso(at), "data": data}).encode()
    message_id = "msg_" + hashlib.sha256(f"{event_type} {mail_id} {to} {at}".encode()).hexdigest()[:27]
    return body, sign(body, message_id, int(time.time()) if signed_at is None else signed_at, secret)


def _details(event_type: str, at: int) -> Json:
    """What a kind of event adds to the common fields."""
    if event_type == "email.bounced":
        return {"bounce": dict(HARD_BOUNCE)}
    if event_type == "email.clicked":
        link = "https://levqor.example/pay"
        return {"click": {"ipAddress": "192.0.2.1", "link": link, "timestamp": iso(at), "userAgent": "Mozilla/5.0"}}
    if event_type == "email.failed":
        return {"failed": {"reason": "reached_daily_quota"}}
    return {}


def sign(body: bytes, message_id: str, at: int, secret: str) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "svix-id": message_id,
        "svix-timestamp": str(at),
        "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
