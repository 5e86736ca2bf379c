"""Polling Stripe for what webhooks missed: objects first, because Stripe may never have generated an event at all."""

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import F

from billing import gateway
from billing.failures import FailureEvidence, has_ended, is_dunned, judge_invoice
from billing.inbox import process_due_events
from billing.live_check import FAILURES_BEFORE_GIVING_UP
from billing.models import PaymentFailure
from billing.models.inbox import acting_modes
from billing.present_state import first_failure_of
from billing.stripe_objects import InvoiceFacts, Json, SubscriptionFacts
from billing.webhooks import store_event
from levqor.lib.passes import is_database_away

logger = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=7)
# A periodic pass ends well before the time limit of a task; what it has no time for, the next one begins with.
PASS_SECONDS = 120
STAGES = 4


@dataclass
class ReconcileReport:
    """What one pass looked at and repaired; `stripe` is `ok`, `off` (no key) or `unreachable`. `crashed` counts what
    something happened about that nobody foresaw: the log says what."""

    stripe: str = "ok"
    events_seen: int = 0
    events_missed: int = 0
    invoices_checked: int = 0
    cases_opened: int = 0
    cases_ended: int = 0
    not_checked: int = 0
    crashed: int = 0
    # Failures in a row so far: only a few of them mean that Stripe itself is away, and not one invoice unreadable.
    in_a_row: int = 0

    def as_dict(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "in_a_row"}


def reconcile_stripe(*, at: datetime, look_back: timedelta = LOOK_BACK, seconds: float = math.inf) -> ReconcileReport:
    """One pass; without a key it can ask nobody and says so. What it did until Stripe failed to answer stays done.

    Each stage has its share of `seconds`, and what an earlier one left over.
    """
    report = ReconcileReport()
    if not gateway.is_enabled():
        report.stripe = "off"
        return report
    began = time.monotonic()
    ends = [began + seconds * (stage + 1) / STAGES for stage in range(STAGES)]
    try:
        _each(
            gateway.recent_events(since=at - look_back),
            lambda event: _store(event, report, at=at),
            report,
            until=ends[0],
        )
        process_due_events(at=at, seconds=ends[0] - time.monotonic())
        _each(gateway.open_invoices(), lambda facts: _open_if_missing(facts, report, at=at), report, until=ends[1])
        _each(
            gateway.unpaid_subscriptions(), lambda owing: _look_at_latest(owing, report, at=at), report, until=ends[2]
        )
        _each(_longest_unseen(), lambda pk: _judge_again(pk, report, at=at), report, until=ends[3])
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError) as error:
        report.stripe = "unreachable"
        logger.warning("reconcile_incomplete", error=str(error))
    return report


def _each[T](things: Iterable[T], deed: Callable[[T], object], report: ReconcileReport, *, until: float) -> None:
    """Each by itself: what Stripe does not know, or refuses, holds up no other. Silence of Stripe's ends the pass."""
    for thing in things:
        if time.monotonic() >= until:
            logger.warning("reconcile_out_of_time")
            return
        try:
            deed(thing)
        except (gateway.StripeUnknownObjectError, gateway.StripeRefusedError) as error:
            logger.warning("reconcile_skipped", error=str(error))
        except gateway.StripeUnavailableError:
            raise
        except Exception as error:
            if is_database_away(error):
                raise
            logger.exception("reconcile_crashed", thing=str(thing)[:200])
            report.crashed += 1


def _store(event: Json, report: ReconcileReport, *, at: datetime) -> None:
    report.events_seen += 1
    report.events_missed += store_event(event, json.dumps(event).encode(), at=at)


def _look_at_latest(subscription: SubscriptionFacts, report: ReconcileReport, *, at: datetime) -> None:
    """The latest invoice of a subscription that is past due: Stripe may have stopped collecting it, so that it is no
    longer listed as open, and it is owed all the same."""
    invoice_id = subscription.latest_invoice_id
    if invoice_id and not PaymentFailure.objects.filter(invoice_id=invoice_id).exists():
        _open_if_missing(gateway.read_invoice(invoice_id), report, at=at)


def _open_if_missing(facts: InvoiceFacts, report: ReconcileReport, *, at: datetime) -> None:
    """A case for an invoice whose collection was attempted and that has none."""
    report.invoices_checked += 1
    known = PaymentFailure.objects.filter(invoice_id=facts.id)
    if not _has_failed(facts, at=at) or known.exists() or not is_dunned(facts, FailureEvidence(at)):
        return
    if has_ended(facts.subscription_id):
        return
    judge_invoice(facts, FailureEvidence(_first_failure(facts, at=at)), at=at)
    report.cases_opened += known.exists()


def _first_failure(facts: InvoiceFacts, *, at: datetime) -> datetime:
    """The anchor of a case whose failure event never came: the earliest failure that is proven, else this moment.

    Proof is an event that is stored, a failed charge in Stripe's own books, or a due date that has passed. That an
    invoice exists proves nothing about when a payment of it failed, so its own dates are never used.
    """
    if known := first_failure_of(facts.id):
        return known
    if facts.collection_method == "send_invoice":
        return facts.due_date or at
    return gateway.first_failed_charge_at(facts.id) or at


def _has_failed(facts: InvoiceFacts, *, at: datetime) -> bool:
    if facts.collection_method == "send_invoice":
        return facts.due_date is not None and facts.due_date < at
    return facts.attempt_count > 0


def _longest_unseen() -> list[int]:
    """Every case that we think is owed, the one whose invoice was read longest ago first."""
    owed = PaymentFailure.objects.unsettled().filter(livemode__in=acting_modes())
    # Their ids, since a query that stays open while rows are written is refused by SQLite.
    return list(owed.order_by(F("checked_at").asc(nulls_first=True), "pk").values_list("pk", flat=True))


def _judge_again(pk: int, report: ReconcileReport, *, at: datetime) -> None:
    """Ends the case where Stripe knows it as settled. One that cannot be read is counted, and holds up no other."""
    case = PaymentFailure.objects.get(pk=pk)
    # Before it is read: what fails each time is not what every pass begins with.
    PaymentFailure.objects.filter(pk=pk).update(checked_at=at)
    try:
        judge_invoice(gateway.read_invoice(case.invoice_id), None, at=at)
    except gateway.StripeUnknownObjectError as error:
        logger.warning("reconcile_skipped", error=str(error))
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError) as error:
        _note_unread(report, error)
        return
    report.in_a_row = 0
    report.invoices_checked += 1
    case.refresh_from_db()
    report.cases_ended += not case.is_unsettled


def _note_unread(report: ReconcileReport, error: Exception) -> None:
    """Raises what it is told where so many answers failed in a row that Stripe itself must be away."""
    report.not_checked += 1
    report.in_a_row += isinstance(error, gateway.StripeUnavailableError)
    logger.warning("reconcile_skipped", error=str(error))
    if report.in_a_row >= FAILURES_BEFORE_GIVING_UP:
        raise error
