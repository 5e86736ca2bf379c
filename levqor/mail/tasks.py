import time

import structlog
from celery import shared_task
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
    began = time.monotonic()
    due = list(OutgoingMail.objects.due(at=timezone.now())[:BATCH])
    for done, mail in enumerate(due, start=1):
        try:
            deliver(mail, at=timezone.now())
        except Exception:  # whatever a listener raised: the mails behind this one do not wait for it
            logger.exception("mail_delivery_crashed", mail=str(mail.pk), name=mail.name)
        if done == BATCH or (done < len(due) and time.monotonic() - began >= PASS_SECONDS):
            # More wait behind these: the next pass follows at once, and other tasks have their turn between.
            nudge(DELIVER_TASK)
            break
    apply_left_over(at=timezone.now())
