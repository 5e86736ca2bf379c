from celery import shared_task
from django.utils import timezone

from claims import credits, drafting, following_up


@shared_task(name=credits.SEND_TASK)
def send_credits() -> None:
    credits.send_credits(at=timezone.now())


@shared_task(name="claims.draft_credits")
def draft_credits() -> None:
    drafting.draft_credits(at=timezone.now())


@shared_task(name="claims.follow_up")
def follow_up() -> None:
    following_up.follow_up(at=timezone.now())
