import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import structlog
from celery import shared_task
from django.conf import settings
from django.db import connections
from django.utils import timezone

from levqor.lib.nudge import nudge
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import DELIVER_TASK, deliver
from levqor.mail.tracking import apply_left_over

logger = structlog.get_logger(__name__)

BATCH = 200
# A provider that hangs costs a dozen seconds a mail: after so many a pass lets other tasks have the worker.
PASS_SECONDS = 10


@shared_task(name="mail.deliver_due")
def deliver_due() -> None:
    """Hands over what is due in a few lanes side by side, so that one mail that hangs delays none but itself."""
    waiting = deque(OutgoingMail.objects.due(at=timezone.now())[:BATCH])
    is_full = len(waiting) == BATCH
    ends_at = time.monotonic() + PASS_SECONDS
    if settings.MAIL_LANES == 1:
        _work_off(waiting, ends_at)
    else:
        lanes = min(settings.MAIL_LANES, len(waiting)) or 1
        with ThreadPoolExecutor(lanes, thread_name_prefix="mail") as pool:
            for _ in range(lanes):
                pool.submit(_lane, waiting, ends_at)
    if waiting or is_full:
        # More wait behind these: the next pass follows at once, and other tasks have their turn between.
        nudge(DELIVER_TASK)
    apply_left_over(at=timezone.now())


def _lane(waiting: deque[OutgoingMail], ends_at: float) -> None:
    try:
        _work_off(waiting, ends_at)
    finally:
        # The thread ends here, and its connection with it.
        connections.close_all()


def _work_off(waiting: deque[OutgoingMail], ends_at: float) -> None:
    """Takes one mail after the other until none is left or the time is over; at least one."""
    while waiting:
        try:
            mail = waiting.popleft()
        except IndexError:
            return
        try:
            deliver(mail, at=timezone.now())
        except Exception:  # whatever a listener raised: the mails behind this one do not wait for it
            logger.exception("mail_delivery_crashed", mail=str(mail.pk), name=mail.name)
        if time.monotonic() >= ends_at:
            return
