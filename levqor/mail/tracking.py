"""What the provider reports about a mail after it left: delivered, opened, clicked, bounced, complained.

Events are stored first and applied to the mail by its provider id, because an event may come before the row of the mail
knows that id. Opens and clicks are shown and never decide anything: proxies open, scanners click.
"""

from typing import Any

from anymail.signals import tracking
from django.db import transaction
from django.db.models import F
from django.dispatch import receiver
from django.utils import timezone

from levqor.lib.events import emit
from levqor.mail.models import OutgoingMail, Suppression, TrackingEvent
from levqor.mail.rendering import one_line

KINDS = frozenset({"delivered", "opened", "clicked", "bounced", "complained", "failed"})


@receiver(tracking, dispatch_uid="levqor.mail.tracking")
def store_event(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """Stores one event once (by the provider's event id) and applies it where its mail is known."""
    kind = _kind(event)
    if kind not in KINDS or not event.message_id:
        return
    happened_at = event.timestamp or timezone.now()
    row, is_new = TrackingEvent.objects.get_or_create(
        event_id=event.event_id or f"{event.message_id}:{kind}:{happened_at.isoformat()}",
        defaults={
            "provider_id": event.message_id,
            "kind": kind,
            "recipient": (event.recipient or "")[:320],
            "happened_at": happened_at,
            "detail": one_line(event.description or _bounce_text(event), 500),
        },
    )
    if is_new:
        apply_event(row)


def _kind(event: Any) -> str:
    """Our name of the event; types that Anymail does not map are read from the provider's own body."""
    raw = (event.esp_event or {}).get("type", "") if isinstance(event.esp_event, dict) else ""
    return "failed" if raw == "email.failed" else str(event.event_type)


def _bounce_text(event: Any) -> str:
    body = event.esp_event if isinstance(event.esp_event, dict) else {}
    bounce = (body.get("data") or {}).get("bounce") or {}
    return str(bounce.get("message", "")) if isinstance(bounce, dict) else ""


def apply_waiting(mail: OutgoingMail) -> None:
    """Applies the events that arrived before the mail knew its provider id."""
    if mail.provider_id:
        for row in TrackingEvent.objects.filter(provider_id=mail.provider_id, applied_at=None).order_by("happened_at"):
            apply_event(row)


def apply_event(row: TrackingEvent) -> None:
    with transaction.atomic():
        mail = OutgoingMail.objects.filter(provider_id=row.provider_id).first()
        if mail is None or not TrackingEvent.objects.filter(pk=row.pk, applied_at=None).update(
            applied_at=timezone.now()
        ):
            return
        _write_time(mail, row)
        if row.kind in {"bounced", "complained", "failed"}:
            _suppress(mail, row)
        mail.refresh_from_db()
        emit(f"mail.{row.kind}", mail=mail, at=row.happened_at)


def _write_time(mail: OutgoingMail, row: TrackingEvent) -> None:
    """Sets the first time of its kind; repeats only count."""
    column = {"failed": "bounced_at"}.get(row.kind, f"{row.kind}_at")
    stored = OutgoingMail.objects.filter(pk=mail.pk)
    stored.filter(**{column: None}).update(**{column: row.happened_at})
    if row.kind in {"opened", "clicked"}:
        counter = "open_count" if row.kind == "opened" else "click_count"
        stored.update(**{counter: F(counter) + 1})
    elif row.detail:
        stored.update(bounce_detail=row.detail)


def _suppress(mail: OutgoingMail, row: TrackingEvent) -> None:
    if row.kind == "failed":
        return
    reason = "complaint" if row.kind == "complained" else "bounce"
    Suppression.objects.get_or_create(
        email=mail.to_email.lower(),
        defaults={"reason": reason, "detail": row.detail, "suppressed_at": row.happened_at},
    )


def is_suppressed(email: str) -> bool:
    """True for an address that bounced or complained."""
    return Suppression.objects.filter(email__iexact=email).exists()
