from celery import shared_task
from django.utils import timezone

from disputes import following_up


@shared_task(name="disputes.follow_up")
def follow_up() -> None:
    following_up.follow_up(at=timezone.now())
