from celery import shared_task
from django.utils import timezone

from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import deliver

BATCH = 200


@shared_task(name="mail.deliver_due")
def deliver_due() -> None:
    for mail in OutgoingMail.objects.due(at=timezone.now())[:BATCH]:
        deliver(mail, at=timezone.now())
