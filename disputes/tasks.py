from celery import shared_task
from django.utils import timezone

from disputes import chargebacks, following_up


@shared_task(name="disputes.follow_up")
def follow_up() -> None:
    following_up.follow_up(at=timezone.now())


@shared_task(name="disputes.warn_of_evidence")
def warn_of_evidence() -> None:
    chargebacks.warn_of_evidence(at=timezone.now())
