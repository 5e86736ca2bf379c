"""The one way by which mail leaves: a row written with the caller's work, delivered by key afterwards."""

from datetime import datetime, timedelta
from typing import Any

import requests
import structlog
from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailSerializationError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.db import models

from levqor.lib.events import emit
from levqor.lib.nudge import nudge
from levqor.mail.backends import KEY_ATTRIBUTE
from levqor.mail.models import RETRY_WINDOW, MailStatus, OutgoingMail, Suppression
from levqor.mail.rendering import one_line, render

logger = structlog.get_logger(__name__)

DELIVER_TASK = "mail.deliver_due"
BACKOFF = [timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600, 10800, 21600)]
WIPED = "This mail held a code or a link that signs in, so its text is not shown and was not kept."


def about(row: models.Model) -> str:
    """How a mail names the row it is about: `billing.paymentfailure:12`."""
    return f"{row._meta.label_lower}:{row.pk}"


def send(
    name: str,
    to: str,
    context: dict[str, Any],
    *,
    key: str,
    at: datetime,
    about: str = "",
    account_id: int | None = None,
    is_secret: bool = False,
    is_driven_by_flow: bool = False,
) -> OutgoingMail:
    """Writes the mail into the outbox, in the caller's transaction, and wakes the delivery after its commit.

    The same `key` gives the row that is there already, so that repeating a flow repeats no mail. With
    `is_driven_by_flow` the caller delivers it, and may look before each attempt whether it should still go.
    """
    known = OutgoingMail.objects.filter(key=key).first()
    if known:
        return known
    rendered = render(name, context)
    mail = OutgoingMail.objects.create(
        key=key,
        name=name,
        about=about,
        account_id=account_id,
        to_email=one_line(to, 320),
        from_email=settings.FROM_EMAIL,
        reply_to=settings.SUPPORT_EMAIL,
        subject=rendered.subject,
        text_body=rendered.text,
        html_body=rendered.html,
        is_secret=is_secret,
        is_driven_by_flow=is_driven_by_flow,
        next_attempt_at=at,
        created_at=at,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )
    if not is_driven_by_flow:
        nudge(DELIVER_TASK)
    return mail


def deliver(mail: OutgoingMail, *, at: datetime) -> MailStatus:
    """One attempt to hand the mail to the provider; returns the status that it has afterwards.

    Safe to call twice, at once and after a crash: one caller claims the row, and every attempt carries the same key and
    the same bytes, so the provider takes them for one. Where the provider has forgotten the key (23 hours after the first
    attempt) and nobody knows whether the mail arrived, it becomes `unknown` and is never tried again.
    """
    if mail.status not in {MailStatus.PENDING, MailStatus.SENDING} or not mail.claim(at=at):
        mail.refresh_from_db()
        return MailStatus(mail.status)
    if mail.first_attempt_at and at - mail.first_attempt_at > RETRY_WINDOW:
        mail.settle(MailStatus.UNKNOWN, error="No certain answer within 23 hours; it may have arrived.")
    elif Suppression.objects.filter(email__iexact=mail.to_email).exists():
        mail.settle(MailStatus.FAILED, error="This address bounced or complained before; no mail is sent to it.")
    else:
        _attempt(mail, at=at)
    return MailStatus(mail.status)


def _attempt(mail: OutgoingMail, *, at: datetime) -> None:
    try:
        provider_id = _hand_over(mail)
    except (AnymailInvalidAddress, AnymailSerializationError) as error:
        mail.settle(MailStatus.FAILED, error=_explain(error))
    except (AnymailAPIError, requests.RequestException, OSError) as error:
        _settle_failure(mail, error, at=at)
    else:
        if mail.settle(MailStatus.SENT, sent_at=at, provider_id=provider_id, error=""):
            _wipe_secret(mail)
            emit("mail.sent", mail=mail, at=at)
            return
    if mail.status in {MailStatus.FAILED, MailStatus.UNKNOWN}:
        logger.error("mail_not_sent", mail=str(mail.pk), name=mail.name, status=mail.status)


def _hand_over(mail: OutgoingMail) -> str:
    """Gives the mail to the backend and returns the provider's id, or an empty string where it has none."""
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text_body,
        from_email=mail.from_email,
        to=[mail.to_email],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={"Message-ID": f"<{mail.pk}@{settings.SITE_HOST}>"} if not settings.RESEND_API_KEY else None,
    )
    message.attach_alternative(mail.html_body, "text/html")
    setattr(message, KEY_ATTRIBUTE, _provider_key(mail))
    mailers.default.send_messages([message])
    status = getattr(message, "anymail_status", None)
    return str(getattr(status, "message_id", "") or "")


def _provider_key(mail: OutgoingMail) -> str:
    """Sortable in a folder and unique at the provider: time of creation, name, id."""
    return f"{mail.created_at:%Y%m%dT%H%M%S}-{mail.name.replace('/', '-')}-{mail.pk}"


def _settle_failure(mail: OutgoingMail, error: Exception, *, at: datetime) -> None:
    status = getattr(error, "status_code", None)
    # 409: another attempt with this key is still under way at the provider. 5xx, 429 and a lost line may pass.
    if status is not None and status < 500 and status not in {408, 409, 429}:
        mail.settle(MailStatus.FAILED, error=_explain(error))
        return
    pause = BACKOFF[min(mail.attempts, len(BACKOFF)) - 1]
    wanted = _retry_after(error)
    mail.settle(MailStatus.PENDING, next_attempt_at=at + max(pause, wanted), error=_explain(error))


def _retry_after(error: Exception) -> timedelta:
    response = getattr(error, "response", None)
    value = response.headers.get("Retry-After", "") if response is not None else ""
    return timedelta(seconds=min(int(value), 3600)) if value.isdigit() else timedelta()


def _explain(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return one_line(f"HTTP {response.status_code}: {response.text}", 500)
    return one_line(f"{type(error).__name__}: {error}", 500)


def _wipe_secret(mail: OutgoingMail) -> None:
    """What signed somebody in is worthless here once it is delivered, and dangerous: it is blanked for good."""
    if mail.is_secret:
        OutgoingMail.objects.filter(pk=mail.pk).update(text_body=WIPED, html_body=WIPED)
