"""Subscribing to the status by mail: asked for, confirmed by the owner of the address, changed and ended without sign-in."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q

from levqor.guard.limits import Limit, accept
from levqor.lib.actors import Actor
from levqor.lib.nudge import nudge
from levqor.lib.states import StaleStateError
from levqor.mail.models import MailStatus, OutgoingMail
from status import emails
from status.models import Component, IncidentStatus, IncidentUpdate, Notice, NoticeStatus, Subscriber, SubscriberState

logger = structlog.get_logger(__name__)

# A form that anybody may fill in with anybody's address: at most so many mails an hour for one address, and one sender.
PER_ADDRESS: Final = Limit("status.subscribe.address", 2)
PER_NETWORK: Final = Limit("status.subscribe.network", 20)
NOTICES_TASK: Final = "status.write_notices"
# How far back is looked for what has not left yet, or lasts still.
NEWEST: Final = 100
DRAIN_BATCH: Final = 200


def ask(email: str, components: Iterable[Component], *, network: str, at: datetime) -> None:
    """Writes the request down and mails what the owner can do: confirm, or, where subscribed already, change it.

    The same answer whatever is known of the address. Raises LimitReachedError.
    """
    chosen = list(components)
    with transaction.atomic():
        accept((PER_ADDRESS, email), (PER_NETWORK, network), at=at)
        # Locked: a confirmation in the same moment comes before this or after it, and is not undone.
        known = Subscriber.objects.select_for_update().filter(email__iexact=email).first()
        if known and known.is_active:
            emails.already_subscribed(known, at=at)
            return
        if known:
            known.ask_again(wants_all=not chosen, at=at)
        subscriber = known or Subscriber.objects.create(
            email=email.lower(), wants_all=not chosen, asked_at=at, created_at=at
        )
        subscriber.components.set(chosen)
        emails.confirm_subscription(subscriber, at=at)


def confirm(subscriber: Subscriber, *, at: datetime) -> bool:
    """The owner of the address said yes; False where the link is too old or the subscription was ended since."""
    if subscriber.is_active:
        return True
    if not subscriber.may_still_confirm(at=at):
        return False
    try:
        with transaction.atomic():
            subscriber.confirm(at=at)
            _take_up_again(subscriber)
    except StaleStateError:
        # The button was pressed twice, or the subscription ended in the same moment.
        subscriber.refresh_from_db()
    return subscriber.is_active


def choose(subscriber: Subscriber, components: Iterable[Component]) -> None:
    """What the subscriber wants to hear of; nothing chosen means everything."""
    chosen = list(components)
    with transaction.atomic():
        Subscriber.objects.filter(pk=subscriber.pk).update(wants_all=not chosen)
        subscriber.components.set(chosen)


def end(subscriber: Subscriber, *, by: Actor, at: datetime, state: SubscriberState = SubscriberState.ENDED) -> None:
    """No further mail; what waits for this subscriber is skipped, in the outbox too. Harmless when repeated."""
    why = "bounced" if state == SubscriberState.BOUNCED else f"ended by {by.kind}"
    with transaction.atomic():
        stored = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        if state in Subscriber.TRANSITIONS[stored.state]:
            stored.end(state, by=by, at=at)
        stored.notices.filter(status=NoticeStatus.PENDING).update(status=NoticeStatus.SKIPPED, reason=why)
        # After those: one that is just being written is waited for, and then found here.
        for notice, mail in _unsent(stored):
            if mail.call_off(at=at) in {MailStatus.CANCELLED, MailStatus.UNKNOWN}:
                Notice.objects.filter(pk=notice.pk).update(status=NoticeStatus.SKIPPED, reason=why)
                OutgoingMail.objects.filter(pk=mail.pk).update(error=f"Not wanted any more: {why}.")


def _unsent(subscriber: Subscriber) -> Iterator[tuple[Notice, OutgoingMail]]:
    """What was written for the subscriber lately and may not have left yet."""
    newest = subscriber.notices.filter(status=NoticeStatus.WRITTEN).order_by("-pk")[:NEWEST]
    notices = {notice.mail_key: notice for notice in newest}
    waiting = OutgoingMail.objects.filter(key__in=notices, status__in=[MailStatus.PENDING, MailStatus.SENDING])
    yield from ((notices[mail.key], mail) for mail in waiting)


def _take_up_again(subscriber: Subscriber) -> None:
    """Who left while something waited and came back is told of what still lasts; what may have left is not told twice."""
    lasting = Q(update__incident__resolved_at=None) & ~Q(update__incident__status=IncidentStatus.CANCELLED)
    skipped = subscriber.notices.filter(lasting, status=NoticeStatus.SKIPPED).order_by("-pk")[:NEWEST]
    for notice in skipped:
        mail = OutgoingMail.objects.filter(key=notice.mail_key).first()
        if mail and mail.status != MailStatus.CANCELLED:
            continue
        if mail:
            # The row stays in the log under another key; this one is free for the mail that is written now.
            OutgoingMail.objects.filter(pk=mail.pk).update(key=f"{mail.key}:called-off:{mail.pk}")
        Notice.objects.filter(pk=notice.pk).update(status=NoticeStatus.PENDING, reason="")
        nudge(NOTICES_TASK)


def plan_notices(update: IncidentUpdate) -> int:
    """One row for each subscriber concerned, in bulk and within the update's transaction; returns how many."""
    if not update.deliver_notifications:
        return 0
    recipients = Subscriber.objects.concerned(update).values_list("pk", flat=True)
    rows = [Notice(update=update, subscriber_id=pk) for pk in recipients.iterator(chunk_size=5000)]
    Notice.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    return len(rows)


def write_notices(*, at: datetime, limit: int = DRAIN_BATCH) -> int:
    """Hands the next notices to the outbox, each with its mark in one transaction; returns how many were taken.

    A process that dies loses at most the notice in its hands, which the next one takes: the outbox knows its key.
    """
    taken = 0
    due = Notice.objects.due().select_related("update__incident", "subscriber")[:limit]
    for notice in due:
        try:
            taken += _write(notice, at=at)
        except Exception:  # whatever it is about this one: the others behind it do not wait
            logger.exception("status_notice_not_written", notice=notice.pk)
    return taken


def _write(notice: Notice, *, at: datetime) -> int:
    with transaction.atomic():
        is_wanted = notice.subscriber.is_active
        target, why = (NoticeStatus.WRITTEN, "") if is_wanted else (NoticeStatus.SKIPPED, "not subscribed")
        mine = Notice.objects.filter(pk=notice.pk, status=NoticeStatus.PENDING).update(status=target, reason=why)
        if mine and is_wanted:
            emails.incident_update(notice, at=at)
    return mine
