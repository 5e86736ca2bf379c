from celery import shared_task
from django.utils import timezone

from billing.dunning import run_dunning_job
from billing.inbox import process_due_events
from billing.reconcile import reconcile_stripe


@shared_task(name="billing.process_stripe_events")
def drain_stripe_events() -> None:
    process_due_events(at=timezone.now())


@shared_task(name="billing.send_due_steps")
def send_due_steps() -> None:
    run_dunning_job(at=timezone.now())


@shared_task(name="billing.reconcile")
def reconcile() -> None:
    reconcile_stripe(at=timezone.now())
