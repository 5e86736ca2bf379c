from celery import shared_task
from django.utils import timezone

from billing.dunning import PASS_SECONDS as DUNNING_SECONDS
from billing.dunning import run_dunning_job
from billing.inbox import PASS_SECONDS, process_due_events
from billing.new_cards import charge_new_cards as charge_due_cards
from billing.reconcile import PASS_SECONDS as RECONCILE_SECONDS
from billing.reconcile import reconcile_stripe


@shared_task(name="billing.process_stripe_events")
def drain_stripe_events() -> None:
    process_due_events(at=timezone.now(), seconds=PASS_SECONDS)


@shared_task(name="billing.send_due_steps")
def send_due_steps() -> None:
    report = run_dunning_job(at=timezone.now(), seconds=DUNNING_SECONDS)
    if report.crashed:
        # The periodic task stands as failed in the back office until this is mended.
        raise RuntimeError(f"{report.crashed} customers or cases could not be dealt with; the log says why.")


@shared_task(name="billing.charge_new_cards")
def charge_new_cards() -> None:
    charge_due_cards(at=timezone.now())


@shared_task(name="billing.reconcile")
def reconcile() -> None:
    report = reconcile_stripe(at=timezone.now(), seconds=RECONCILE_SECONDS)
    if report.crashed:
        raise RuntimeError(f"{report.crashed} invoices or events could not be dealt with; the log says why.")
