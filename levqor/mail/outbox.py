"""The one way by which mail leaves: a row written with the caller's work, delivered by key afterwards."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import structlog
from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailSerializationError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.db import IntegrityError, models, transaction
from urllib3.exceptions import NewConnectionError

from levqor.lib.backoff import pause_after
from levqor.lib.events import emit
from levqor.lib.forms import ONE_ADDRESS
from levqor.lib.nudge import nudge
from levqor.mail.backends import KEY_ATTRIBUTE
from levqor.mail.models import RETRY_WINDOW, MailAttachment, MailStatus, OutgoingMail, StoredFile, Suppression
from levqor.mail.rendering import one_line, render

logger = structlog.get_logger(__name__)

DELIVER_TASK = "mail.deliver_due"
# Refusals that are not about the mail but about us, or about the hour: a key that is being changed (401), a domain not
# verified yet (403), a quota (429), an account that is looked into (451). Nothing was taken, so the mail waits until that
# is mended. https://resend.com/docs/api-reference/errors
OUR_FAULT = frozenset({401, 403, 429, 451})
# A line that may heal, and another attempt with this key still under way (409): it may have been taken.
MAY_PASS = frozenset({408, 409, 425})
# So long a fault of ours makes the mails wait at most once it is mended.
MOST_PAUSE_FOR_FAULT = timedelta(minutes=10)
# Mail programs read lists and groups (`a@b.com, c@d.com`, `Ada: a@b.com`) where one address is meant.
WIPED = "This mail held a code or a link that acts for its reader, so its text is not shown and was not kept."


@dataclass(frozen=True)
class Attachment:
    """A file to send along. Its bytes are stored with the mail, so that every attempt sends the same."""

    filename: str
    content_type: str
    content: bytes


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
    is_bulk: bool = False,
    acting_links: Sequence[str] = (),
    is_driven_by_flow: bool = False,
    attachments: Sequence[Attachment] = (),
    headers: dict[str, str] | None = None,
    is_rewritten: bool = False,
) -> OutgoingMail:
    """Writes the mail into the outbox, in the caller's transaction, and wakes the delivery after its commit.

    The same `key` gives the row that is there already, so that repeating a flow repeats no mail. With
    `is_driven_by_flow` the caller delivers it, and may look before each attempt whether it should still go. Mail to many
    at once (`is_bulk`) lets all other mail go first. With `is_rewritten` a mail of this key that never left is written
    anew, as things stand now.
    """
    known = OutgoingMail.objects.filter(key=key).first()
    if known:
        return _rewrite(known, to, _letter(name, context, at=at)) if is_rewritten else known
    frozen = {
        "name": name,
        "about": about,
        "account_id": account_id,
        "to_email": one_line(to, 320),
        "headers": {header: one_line(value, 500) for header, value in (headers or {}).items()},
        "is_secret": is_secret,
        "is_bulk": is_bulk,
        "acting_links": list(acting_links),
        "is_driven_by_flow": is_driven_by_flow,
    }
    frozen |= _letter(name, context, at=at)
    mail = _store(key, frozen, attachments, at=at)
    if not is_driven_by_flow:
        nudge(DELIVER_TASK)
    return mail


def _store(key: str, frozen: dict[str, Any], attachments: Sequence[Attachment], *, at: datetime) -> OutgoingMail:
    try:
        with transaction.atomic():
            mail = OutgoingMail.objects.create(key=key, **frozen)
            _attach(mail, attachments, at=at)
    except IntegrityError:
        # Whoever writes the same mail at the same moment gets the same row, and a transaction that goes on.
        known = OutgoingMail.objects.filter(key=key).first()
        if known is None:
            raise
        return known
    return mail


def _letter(name: str, context: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """What is written, by whom, and when: the part of the row that no caller chooses."""
    rendered = render(name, context)
    return {
        "from_email": settings.FROM_EMAIL,
        "reply_to": settings.SUPPORT_EMAIL,
        "subject": rendered.subject,
        "text_body": rendered.text,
        "html_body": rendered.html,
        "next_attempt_at": at,
        "created_at": at,
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
    }


def _rewrite(known: OutgoingMail, to: str, letter: dict[str, Any]) -> OutgoingMail:
    """What may have left stays as it was written: the same key stands for the same bytes."""
    never_left = OutgoingMail.objects.filter(pk=known.pk, first_attempt_at=None)
    kept = {"created_at", "next_attempt_at", "request_id"}
    written = {field: value for field, value in letter.items() if field not in kept}
    never_left.filter(status__in=[MailStatus.PENDING, MailStatus.CANCELLED]).update(
        status=MailStatus.PENDING, to_email=one_line(to, 320), **written
    )
    known.refresh_from_db()
    return known


def _attach(mail: OutgoingMail, attachments: Sequence[Attachment], *, at: datetime) -> None:
    for position, attachment in enumerate(attachments):
        digest = hashlib.sha256(attachment.content).hexdigest()
        file, _ = StoredFile.objects.get_or_create(
            sha256=digest, defaults={"content": attachment.content, "created_at": at}
        )
        MailAttachment.objects.create(
            mail=mail,
            file=file,
            position=position,
            filename=one_line(attachment.filename, 150),
            content_type=attachment.content_type,
        )


def deliver(mail: OutgoingMail, *, at: datetime, taken_at: datetime | None = None) -> MailStatus:
    """One attempt to hand the mail to the provider; returns the status that it has afterwards.

    Safe to call twice, at once and after a crash: one caller claims the row, and every attempt carries the same key and
    the same bytes, so the provider takes them for one. Where the provider has forgotten the key (23 hours after the first
    attempt) and nobody knows whether the mail arrived, it becomes `unknown` and is never tried again. A refusal that
    is our fault hands nothing over: the mail waits, however long, and leaves once that is mended.
    """
    before = mail.first_attempt_at
    if mail.status not in {MailStatus.PENDING, MailStatus.SENDING} or not mail.claim(at=at, taken_at=taken_at):
        mail.refresh_from_db()
        return MailStatus(mail.status)
    # The request that wrote the mail and its delivery carry one id through the logs.
    with structlog.contextvars.bound_contextvars(**({"request_id": mail.request_id} if mail.request_id else {})):
        _deliver_claimed(mail, before, at=at)
    return MailStatus(mail.status)


def _deliver_claimed(mail: OutgoingMail, before: datetime | None, *, at: datetime) -> None:
    """`before` is the first attempt before this one that may have handed the mail over."""
    if mail.first_attempt_at and at - mail.first_attempt_at > RETRY_WINDOW:
        _give_up(mail, MailStatus.UNKNOWN, "No certain answer within 23 hours; it may have arrived.")
    elif mail.is_secret and not mail.is_bulk and at - mail.created_at > RETRY_WINDOW:
        _give_up(mail, MailStatus.FAILED, "Nobody waits for this code or link any more, so nothing was sent.")
    elif not ONE_ADDRESS.fullmatch(mail.to_email):
        _give_up(mail, MailStatus.FAILED, "This is not one e-mail address, so nothing was sent.")
    elif Suppression.objects.among([mail.to_email]):
        _give_up(mail, MailStatus.FAILED, "This address bounced or complained before; no mail is sent to it.")
    else:
        _attempt(mail, before, at=at)


def _attempt(mail: OutgoingMail, before: datetime | None, *, at: datetime) -> None:
    try:
        provider_id = _hand_over(mail)
    except (AnymailInvalidAddress, AnymailSerializationError) as error:
        _give_up(mail, MailStatus.FAILED, _explain(error))
    except (AnymailAPIError, requests.RequestException, OSError) as error:
        if _is_our_fault(error) or _never_connected(error):
            _wait_for_us(mail, error, before, at=at)
        else:
            _settle_failure(mail, error, at=at)
    except Exception as error:  # a fault of ours or of a library: it may have gone out, and others wait behind it
        logger.exception("mail_attempt_crashed", mail=str(mail.pk), name=mail.name)
        _settle_failure(mail, error, at=at)
    else:
        # One transaction: after a crash within it the attempt is made again, with its key, and everybody hears of it.
        with transaction.atomic():
            if mail.settle(MailStatus.SENT, sent_at=at, provider_id=provider_id, error="", **_wiped(mail)):
                _tell(mail, at=at)


def _tell(mail: OutgoingMail, *, at: datetime) -> None:
    """A listener that breaks takes back what the listeners wrote, and never that the mail has left."""
    logger.info("mail_sent", mail=str(mail.pk), name=mail.name, attempts=mail.attempts)
    try:
        with transaction.atomic():
            emit("mail.sent", mail=mail, at=at)
    except Exception:
        logger.exception("mail_listener_broke", mail=str(mail.pk), name=mail.name)


def _give_up(mail: OutgoingMail, status: MailStatus, why: str) -> None:
    if mail.settle(status, error=why, **_wiped(mail)):
        logger.error("mail_not_sent", mail=str(mail.pk), name=mail.name, status=status)


def _wiped(mail: OutgoingMail) -> dict[str, Any]:
    """What signed somebody in, or acts without that, is dangerous here once the mail is over: it goes for good."""
    if mail.is_secret:
        return {"text_body": WIPED, "html_body": WIPED, "headers": {}}
    if mail.acting_links:
        return {"text_body": mail.text_for_staff, "html_body": mail.html_for_staff, "acting_links": []}
    return {}


def _hand_over(mail: OutgoingMail) -> str:
    """Gives the mail to the backend and returns the provider's id, or an empty string where it has none."""
    own_id = {} if settings.RESEND_API_KEY else {"Message-ID": f"<{mail.pk}@{settings.SITE_HOST}>"}
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text_body,
        from_email=mail.from_email,
        to=[mail.to_email],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=own_id | mail.headers,
    )
    message.attach_alternative(mail.html_body, "text/html")
    for attachment in mail.attachments.select_related("file"):
        message.attach(attachment.filename, bytes(attachment.file.content), attachment.content_type)
    setattr(message, KEY_ATTRIBUTE, _provider_key(mail))
    mailers.default.send_messages([message])
    status = getattr(message, "anymail_status", None)
    return str(getattr(status, "message_id", "") or "")


def _provider_key(mail: OutgoingMail) -> str:
    """Sortable in a folder and unique at the provider: time of creation, name, id."""
    return f"{mail.created_at:%Y%m%dT%H%M%S}-{mail.name.replace('/', '-')}-{mail.pk}"


def _is_our_fault(error: Exception) -> bool:
    """True where the provider refused us and not this mail: a key, a quota, a domain, or our own sender's address."""
    status = getattr(error, "status_code", None)
    if status in OUR_FAULT:
        return True
    response = getattr(error, "response", None)
    words = response.text.lower() if response is not None and status == 422 else ""
    return "invalid_from_address" in words or "`from`" in words


def _never_connected(error: Exception) -> bool:
    """True where no connection came about, so that nobody can have taken the mail."""
    cause = error if isinstance(error, requests.RequestException) else error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    reason = (
        getattr(cause.args[0], "reason", None) if isinstance(cause, requests.ConnectionError) and cause.args else None
    )
    return isinstance(reason, NewConnectionError)


def _wait_for_us(mail: OutgoingMail, error: Exception, before: datetime | None, *, at: datetime) -> None:
    """Surely not taken, and no fault of the mail: it counts as never attempted, unless an earlier attempt may have been."""
    pause = max(min(pause_after(mail.attempts), MOST_PAUSE_FOR_FAULT), _retry_after(error, at=at))
    mail.settle(MailStatus.PENDING, next_attempt_at=at + pause, first_attempt_at=before, error=_explain(error))
    logger.warning("mail_refused_for_us", mail=str(mail.pk), name=mail.name, error=mail.error)


def _settle_failure(mail: OutgoingMail, error: Exception, *, at: datetime) -> None:
    status = getattr(error, "status_code", None)
    if status is not None and status < 500 and status not in MAY_PASS:
        _give_up(mail, MailStatus.FAILED, _explain(error))
        return
    pause = pause_after(mail.attempts)
    wanted = _retry_after(error, at=at)
    mail.settle(MailStatus.PENDING, next_attempt_at=at + max(pause, wanted), error=_explain(error))


def _retry_after(error: Exception, *, at: datetime) -> timedelta:
    """How long the provider asks us to wait, in seconds or until a date (RFC 9110), at most an hour."""
    response = getattr(error, "response", None)
    value = response.headers.get("Retry-After", "").strip() if response is not None else ""
    try:
        wanted = timedelta(seconds=int(value)) if value.isdigit() else parsedate_to_datetime(value) - at
    except (ValueError, TypeError, OverflowError):
        return timedelta()
    return min(max(wanted, timedelta()), timedelta(hours=1))


def _explain(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return one_line(f"HTTP {response.status_code}: {response.text}", 500)
    return one_line(f"{type(error).__name__}: {error}", 500)
