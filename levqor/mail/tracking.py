"""What the provider reports about a mail after it left: delivered, opened, clicked, bounced, blocked, complained.

Events are stored first and applied to the mail by its provider id, because an event may come before the row of the mail
knows that id. Opens and clicks are shown and never decide anything: proxies open, scanners click.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from anymail.signals import tracking
from django.db import transaction
from django.db.models import F, Q
from django.dispatch import receiver
from django.utils import timezone

from levqor.lib.events import emit
from levqor.mail.models import BounceKind, OutgoingMail, Suppression, TrackingEvent
from levqor.mail.rendering import one_line

logger = structlog.get_logger(__name__)

# https://resend.com/docs/webhooks/event-types: read from Resend's own body, since Anymail maps seven types and calls the
# others unknown. What is not listed here changes nothing about a mail.
KIND_OF_TYPE = {
    "email.delivered": "delivered",
    "email.opened": "opened",
    "email.clicked": "clicked",
    "email.bounced": "bounced",
    "email.complained": "complained",
    "email.failed": "failed",
    "email.suppressed": "suppressed",
}
COUNTED = {"opened": "open_count", "clicked": "click_count"}
NOT_DELIVERED = {"bounced", "complained", "failed", "suppressed"}
# What the rest of Levqor hears: an address that the provider blocks is as good as one that bounces.
NAME_OF_KIND = {"suppressed": "bounced"}
MATCH_WINDOW = timedelta(days=3)


@receiver(tracking, dispatch_uid="levqor.mail.tracking")
def store_event(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """Stores one event once, by the provider's event id, and applies it where its mail is known.

    A repost of an event whose first delivery died half-way is applied now.
    """
    body = event.esp_event if isinstance(event.esp_event, dict) else {}
    kind = KIND_OF_TYPE.get(str(body.get("type")), "")
    if not kind or not event.message_id:
        return
    happened_at = event.timestamp or timezone.now()
    bounce_kind, text = _read_bounce(body) if kind in NOT_DELIVERED else ("", "")
    row, _ = TrackingEvent.objects.get_or_create(
        event_id=(event.event_id or f"{event.message_id}:{kind}:{happened_at.isoformat()}")[:200],
        defaults={
            "provider_id": str(event.message_id)[:100],
            "kind": "suppressed" if bounce_kind == BounceKind.BLOCKED else kind,
            "bounce_kind": bounce_kind,
            "recipient": one_line(event.recipient or "", 320),
            "happened_at": happened_at,
            "detail": one_line(text, 500),
        },
    )
    if row.applied_at is None:
        _try_to_apply(row)


def _try_to_apply(row: TrackingEvent) -> None:
    """What a listener cannot take holds up no other event, and is no fault of the provider's: the event is stored, and
    a pass of ours applies it later."""
    try:
        apply_event(row)
    except Exception:
        logger.exception("tracking_event_not_applied", event_id=row.event_id, kind=row.kind)


def _read_bounce(body: dict[str, Any]) -> tuple[str, str]:
    """What kind of failure it is and the provider's own words for it, whatever words those are.

    Resend tells the kind as `Permanent`, `Transient` or `Undetermined`, and a block by its sub-type or a sentence. Any
    other word, or none, is no reason to believe that the mail arrived: it counts as a bounce of unknown kind.
    """
    data = _mapping(body, "data")
    details = _mapping(data, "bounce") or _mapping(data, "suppressed") or _mapping(data, "failed")
    words = [str(details[name]) for name in ("type", "subType", "message", "reason") if details.get(name)]
    text = ": ".join(words)
    if body.get("type") in {"email.complained", "email.failed"}:
        return "", text
    if body.get("type") == "email.suppressed" or "suppress" in text.lower():
        return BounceKind.BLOCKED, text
    known = {"permanent": BounceKind.PERMANENT, "transient": BounceKind.TRANSIENT}
    return known.get(str(details.get("type")).lower(), BounceKind.UNKNOWN), text


def _mapping(holder: dict[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def apply_waiting(mail: OutgoingMail) -> None:
    """Applies the events that arrived before the mail knew its provider id."""
    if mail.provider_id:
        for row in TrackingEvent.objects.filter(provider_id=mail.provider_id, applied_at=None).order_by("happened_at"):
            apply_event(row)


def apply_left_over(*, at: datetime) -> None:
    """Applies what a fault left unapplied although its mail is known; events of foreign mails are given up after days."""
    waiting = TrackingEvent.objects.filter(applied_at=None, happened_at__gt=at - MATCH_WINDOW)
    known = OutgoingMail.objects.exclude(provider_id="").values("provider_id")
    for row in list(waiting.filter(provider_id__in=known).order_by("happened_at")[:200]):
        _try_to_apply(row)


def apply_event(row: TrackingEvent) -> None:
    with transaction.atomic():
        mail = OutgoingMail.objects.filter(provider_id=row.provider_id).first()
        unapplied = TrackingEvent.objects.filter(pk=row.pk, applied_at=None)
        if mail is None or not unapplied.update(applied_at=timezone.now()):
            return
        _write_times(mail, row)
        if row.kind in NOT_DELIVERED:
            _suppress(mail, row)
        mail.refresh_from_db()
        emit(f"mail.{NAME_OF_KIND.get(row.kind, row.kind)}", mail=mail, at=row.happened_at)


def _write_times(mail: OutgoingMail, row: TrackingEvent) -> None:
    """Sets the earliest time of its kind, whatever came first; opens and clicks keep their last time and their number."""
    stored = OutgoingMail.objects.filter(pk=mail.pk)
    column = "bounced_at" if row.kind in {"failed", "suppressed"} else f"{row.kind}_at"
    if row.kind == "delivered":
        # What the provider blocked was never handed to anybody, whatever else is reported of it.
        stored = stored.exclude(bounce_kind=BounceKind.BLOCKED)
    stored.filter(Q(**{column: None}) | Q(**{f"{column}__gt": row.happened_at})).update(**{column: row.happened_at})
    if row.kind in COUNTED:
        last, counter = f"last_{column}", COUNTED[row.kind]
        stored.update(**{counter: F(counter) + 1})
        stored.filter(Q(**{last: None}) | Q(**{f"{last}__lt": row.happened_at})).update(**{last: row.happened_at})
    elif row.kind in NOT_DELIVERED:
        stored.update(bounce_detail=row.detail, bounce_kind=row.bounce_kind)
    if row.kind == "suppressed":
        stored.update(delivered_at=None)


def _suppress(mail: OutgoingMail, row: TrackingEvent) -> None:
    """No mail goes to a dead address again. Only a bounce for good, a block or a complaint says that it is one: a full
    mailbox, a failure of the provider or a bounce of no known kind does not."""
    if row.kind == "failed" or (row.kind == "bounced" and row.bounce_kind != BounceKind.PERMANENT):
        return
    reason = {"complained": Suppression.Reason.COMPLAINT, "suppressed": Suppression.Reason.BLOCKED}.get(
        row.kind, Suppression.Reason.BOUNCE
    )
    Suppression.objects.get_or_create(
        email=mail.to_email.lower(),
        defaults={"reason": reason, "detail": row.detail, "suppressed_at": row.happened_at},
    )
