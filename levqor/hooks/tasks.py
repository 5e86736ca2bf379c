from celery import shared_task
from django.utils import timezone

from levqor.hooks import delivery


@shared_task(name=delivery.DELIVER_TASK)
def deliver_due() -> None:
    delivery.deliver_due(at=timezone.now())


@shared_task(name="hooks.forget_old")
def forget_old() -> None:
    delivery.forget_old(at=timezone.now())
