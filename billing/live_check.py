"""The look at Stripe before each send and each suspension."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

import structlog

from billing import gateway
from billing.alarms import raise_alarm, settle_alarm
from billing.failures import ENDED_SUBSCRIPTIONS, close_case, flag_case, is_still_owed, judge_invoice
from billing.models import AlarmKind, CloseReason, Flag, PaymentFailure
from billing.present_state import current_invoice, current_subscription
from billing.stripe_objects import InvoiceFacts
from levqor.lib.actors import STRIPE
from levqor.lib.passes import PassClock

logger = structlog.get_logger(__name__)

READ_DEBTS, READ_CUSTOMERS = "read invoices and subscriptions", "read customers"
FAILURES_BEFORE_GIVING_UP = 3
# How long a pass, which comes each minute, takes Stripe's word for it that a retry lies ahead.
RETRY_PATIENCE = timedelta(minutes=15)


class Verdict(Enum):
    OWED = "owed"
    OVER = "over"
    RETRYING = "retrying"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    ODD = "odd"
    FORBIDDEN = "forbidden"
    UNDER_WAY = "under way"


@dataclass
class Checkpoint:
    """Asks about one case after the other in a pass; once Stripe failed to answer three times in a row it is left alone
    until the next pass, so that an outage costs seconds and not a time-out for each case."""

    at: datetime
    dry_run: bool = False
    patience: timedelta = timedelta()
    _failures: int = field(default=0)
    _works: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.clock = PassClock(self.at)

    def look_at(self, case: PaymentFailure, *, is_final: bool) -> Verdict:
        """What may be done about the case now. Unless it is a dry run, a case that is over is ended here and now.

        `is_final` asks in view of the last notice and the suspension, which wait for Stripe's own next attempt. While one
        is announced nothing leaves, so Stripe is asked again only after `patience`.
        """
        if is_final and self._knows_of_a_retry(case):
            return Verdict.RETRYING
        if gateway.is_enabled() and self._failures >= FAILURES_BEFORE_GIVING_UP:
            return Verdict.UNREACHABLE
        try:
            facts = current_invoice(case.invoice_id)
            end = self._reason_to_end(case)
        except gateway.StripeUnknownObjectError:
            self._flag(case, Flag.UNKNOWN_INVOICE)
            return Verdict.UNKNOWN
        except gateway.StripeForbiddenError as error:
            self._name_lack(READ_DEBTS, error)
            return Verdict.FORBIDDEN
        except (gateway.StripeUnavailableError, gateway.StripeRefusedError) as error:
            self._failures += 1
            if isinstance(error, gateway.StripeRefusedError) and not self.dry_run:
                raise_alarm(AlarmKind.UNREADABLE, case.invoice_id, at=self.at, detail=str(error))
            logger.warning("stripe_unreachable", case=case.pk, error=str(error))
            return Verdict.UNREACHABLE
        self._failures = 0
        self._note_right(READ_DEBTS)
        return self._judge(case, facts, end, is_final=is_final)

    def _name_lack(self, right: str, error: Exception) -> None:
        """A fault of our set-up is named to staff, and is no customer's. A dry run writes nothing."""
        logger.error("stripe_right_missing", right=right, error=str(error))
        if not self.dry_run:
            raise_alarm(AlarmKind.STRIPE_RIGHTS, right, at=self.at, detail=str(error))

    def _note_right(self, right: str) -> None:
        """What works again needs nobody any more; looked at once a pass."""
        if gateway.is_enabled() and not self.dry_run and right not in self._works:
            self._works.add(right)
            settle_alarm(AlarmKind.STRIPE_RIGHTS, right, at=self.at)

    def _knows_of_a_retry(self, case: PaymentFailure) -> bool:
        announced, seen = case.next_payment_attempt, case.checked_at
        if not (gateway.is_enabled() and announced and seen):
            return False
        return announced > self.at and timedelta() <= self.at - seen < self.patience

    def _judge(
        self, case: PaymentFailure, facts: InvoiceFacts | None, end: CloseReason | Flag | None, *, is_final: bool
    ) -> Verdict:
        if end is Flag.ODD_STATE or (facts and facts.is_odd):
            self._flag(case, Flag.ODD_STATE)
            return Verdict.ODD
        over = facts is not None and not is_still_owed(facts)
        if over or isinstance(end, CloseReason):
            self._end(case, facts, None if over else end)
            return Verdict.OVER
        if facts and not self.dry_run:
            judge_invoice(facts, None, at=self.at)
            PaymentFailure.objects.filter(pk=case.pk).update(checked_at=self.at)
            case.refresh_from_db(from_queryset=PaymentFailure.objects.select_related("account"))
        if facts and facts.is_being_paid:
            return Verdict.UNDER_WAY
        next_attempt = facts.next_payment_attempt if facts else case.next_payment_attempt
        return Verdict.RETRYING if is_final and next_attempt and next_attempt > self.at else Verdict.OWED

    def _flag(self, case: PaymentFailure, flag: Flag) -> None:
        if not self.dry_run:
            flag_case(case, flag, at=self.at)

    def _end(self, case: PaymentFailure, facts: InvoiceFacts | None, why: CloseReason | Flag | None) -> None:
        if self.dry_run:
            return
        if isinstance(why, CloseReason):
            close_case(case, why, facts, at=self.at)
        elif facts:
            judge_invoice(facts, None, at=self.at)

    def _reason_to_end(self, case: PaymentFailure) -> CloseReason | Flag | None:
        """Why the case is over although its invoice is open; ODD_STATE where nobody knows what its subscription is."""
        if not gateway.is_enabled():
            return None
        if self._is_customer_gone(case):
            return CloseReason.CUSTOMER_DELETED
        found = current_subscription(case.subscription_id) if case.subscription_id else None
        if found is None:
            return None
        subscription, _ = found
        if not subscription.is_known:
            if not self.dry_run:
                raise_alarm(AlarmKind.SUBSCRIPTION_STATE, subscription.status, at=self.at, detail=subscription.id)
            return Flag.ODD_STATE
        return CloseReason.SUBSCRIPTION_ENDED if subscription.status in ENDED_SUBSCRIPTIONS else None

    def _is_customer_gone(self, case: PaymentFailure) -> bool:
        """Takes over the customer's present address, too, since the invoice's own froze when it was finalised."""
        if not case.account.stripe_customer_id:
            return False
        try:
            customer = gateway.read_customer(case.account.stripe_customer_id)
        except gateway.StripeForbiddenError as error:
            # The address that we hold is good enough, and the lack is ours to mend.
            self._name_lack(READ_CUSTOMERS, error)
            return False
        self._note_right(READ_CUSTOMERS)
        if customer.is_deleted:
            return True
        if customer.email and customer.email != case.account.billing_email and not self.dry_run:
            case.account.take_billing_email(customer.email, by=STRIPE, at=self.at)
        return False
