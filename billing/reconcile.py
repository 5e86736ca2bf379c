"""Polling Stripe for what webhooks missed: objects first, because Stripe may never have generated an event at all."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog

from billing import gateway
from billing.cases import FailureEvidence, judge_invoice
from billing.evidence import first_failure_of
from billing.inbox import process_due_events
from billing.models import PaymentFailure
from billing.stripe_objects import InvoiceFacts
from billing.webhooks import store_event

logger = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=7)


@dataclass
class ReconcileReport:
    """What one pass looked at and repaired; `stripe` is `ok`, `off` (no key) or `unreachable`."""

    stripe: str = "ok"
    events_seen: int = 0
    events_missed: int = 0
    invoices_checked: int = 0
    cases_opened: int = 0
    cases_ended: int = 0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def reconcile_stripe(*, at: datetime, look_back: timedelta = LOOK_BACK) -> ReconcileReport:
    """One pass; without a key it can ask nobody and says so. What it did until Stripe failed to answer stays done."""
    report = ReconcileReport()
    if not gateway.is_enabled():
        report.stripe = "off"
        return report
    try:
        _fetch_events(report, since=at - look_back, at=at)
        process_due_events(at=at)
        _open_missing_cases(report, at=at)
        _end_settled_cases(report, at=at)
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError) as error:
        report.stripe = "unreachable"
        logger.warning("reconcile_incomplete", error=str(error))
    return report


def _fetch_events(report: ReconcileReport, *, since: datetime, at: datetime) -> None:
    for event in gateway.recent_events(since=since):
        report.events_seen += 1
        report.events_missed += store_event(event, json.dumps(event).encode(), at=at)


def _open_missing_cases(report: ReconcileReport, *, at: datetime) -> None:
    """Every open invoice whose collection was attempted and that has no case."""
    for facts in gateway.open_invoices():
        report.invoices_checked += 1
        if _has_failed(facts, at=at) and not PaymentFailure.objects.filter(invoice_id=facts.id).exists():
            failed_at = first_failure_of(facts.id) or facts.due_date or facts.created or at
            judge_invoice(facts, FailureEvidence(failed_at), at=at)
            report.cases_opened += PaymentFailure.objects.filter(invoice_id=facts.id).exists()


def _has_failed(facts: InvoiceFacts, *, at: datetime) -> bool:
    if facts.collection_method == "send_invoice":
        return facts.due_date is not None and facts.due_date < at
    return facts.attempt_count > 0


def _end_settled_cases(report: ReconcileReport, *, at: datetime) -> None:
    """Every case that we think is owed and that Stripe knows as settled."""
    for case in PaymentFailure.objects.unsettled().order_by("pk").iterator(chunk_size=500):
        report.invoices_checked += 1
        try:
            judge_invoice(gateway.read_invoice(case.invoice_id), None, at=at)
        except gateway.StripeUnknownObjectError:
            continue
        case.refresh_from_db()
        report.cases_ended += not case.is_unsettled
