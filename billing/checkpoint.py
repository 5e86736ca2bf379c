"""The look at Stripe before each send and each suspension."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import structlog

from billing import gateway
from billing.cases import close_case, flag_case, judge_invoice
from billing.evidence import current_invoice, current_subscription
from billing.models import CloseReason, Flag, PaymentFailure
from billing.stripe_objects import InvoiceFacts
from levqor.accounts.models import Account

logger = structlog.get_logger(__name__)

FAILURES_BEFORE_GIVING_UP = 3
ENDED_SUBSCRIPTIONS = {"canceled", "incomplete_expired"}


class Verdict(Enum):
    OWED = "owed"
    OVER = "over"
    RETRYING = "retrying"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass
class Checkpoint:
    """Asks about one case after the other in a pass; once Stripe failed to answer three times in a row it is left alone
    until the next pass, so that an outage costs seconds and not a time-out for each case."""

    at: datetime
    dry_run: bool = False
    _failures: int = field(default=0)

    def look_at(self, case: PaymentFailure, *, is_final: bool) -> Verdict:
        """What may be done about the case now. Unless it is a dry run, a case that is over is ended here and now.

        `is_final` asks in view of the last notice and the suspension, which wait for Stripe's own next attempt.
        """
        if gateway.is_enabled() and self._failures >= FAILURES_BEFORE_GIVING_UP:
            return Verdict.UNREACHABLE
        try:
            facts = current_invoice(case.invoice_id)
            ended = self._has_ended(case)
            self._refresh_address(case)
        except gateway.StripeUnknownObjectError:
            if not self.dry_run:
                flag_case(case, Flag.UNKNOWN_INVOICE, at=self.at)
            return Verdict.UNKNOWN
        except (gateway.StripeUnavailableError, gateway.StripeRefusedError) as error:
            self._failures += 1
            logger.warning("stripe_unreachable", case=case.pk, error=str(error))
            return Verdict.UNREACHABLE
        self._failures = 0
        return self._judge(case, facts, ended, is_final=is_final)

    def _judge(self, case: PaymentFailure, facts: InvoiceFacts | None, ended: bool, *, is_final: bool) -> Verdict:
        over = facts is not None and facts.status != "open" and not _is_still_owed(facts)
        if over or ended:
            self._end(case, facts if over else None)
            return Verdict.OVER
        if facts and not self.dry_run:
            judge_invoice(facts, None, at=self.at)
            PaymentFailure.objects.filter(pk=case.pk).update(checked_at=self.at)
            case.refresh_from_db()
        next_attempt = facts.next_payment_attempt if facts else case.next_payment_attempt
        return Verdict.RETRYING if is_final and next_attempt and next_attempt > self.at else Verdict.OWED

    def _end(self, case: PaymentFailure, facts: InvoiceFacts | None) -> None:
        if self.dry_run:
            return
        if facts:
            judge_invoice(facts, None, at=self.at)
        else:
            close_case(case, CloseReason.SUBSCRIPTION_ENDED, at=self.at)

    def _has_ended(self, case: PaymentFailure) -> bool:
        if not case.subscription_id or not gateway.is_enabled():
            return False
        found = current_subscription(case.subscription_id)
        return found is not None and found[0].status in ENDED_SUBSCRIPTIONS

    def _refresh_address(self, case: PaymentFailure) -> None:
        """The customer's present address, since the invoice's own froze when it was finalised."""
        if not gateway.is_enabled() or not case.account.stripe_customer_id or self.dry_run:
            return
        customer = gateway.read_customer(case.account.stripe_customer_id)
        if customer.email and customer.email != case.account.billing_email:
            Account.objects.filter(pk=case.account_id).update(billing_email=customer.email[:254])


def _is_still_owed(facts: InvoiceFacts) -> bool:
    return facts.status == "uncollectible" and facts.uncollectible_reason in {
        "max_payment_attempts",
        "subscription_paused",
    }
