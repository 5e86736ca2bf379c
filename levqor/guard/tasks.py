from celery import shared_task
from django.utils import timezone

from levqor.guard.pruning import prune_guard


@shared_task(name="guard.prune")
def prune() -> None:
    prune_guard(at=timezone.now())
