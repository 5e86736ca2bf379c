from celery import shared_task
from django.utils import timezone

from levqor.cases.privacy import forget
from levqor.cases.warnings import warn_of_deadlines


@shared_task(name="cases.warn_of_deadlines")
def warn_of_due_cases() -> None:
    warn_of_deadlines(at=timezone.now())


@shared_task(name="cases.forget")
def forget_old_cases() -> None:
    forget(at=timezone.now())
