"""A business with years of failed payments behind it, made in bulk: half is still owed, the rest paid or given up.

Each share grows with the whole: with a hundred times the cases there are a hundred times as many due today, held, bounced.
Rare marks are dense among the first thousand cases, so that every page is full and shows as much of few as of many.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched

from billing.models import DunningPolicy, DunningPolicyStep, DunningStep, PaymentFailure, StripeEvent
from billing.sample_events import Sample, event
from levqor.accounts.models import Account
from levqor.mail.models import OutgoingMail

BATCH = 2000
# Steps of the last hours are due and not sent yet.
LATE = timedelta(hours=6)
# Of twenty cases each: which are open, whose steps are all done, paid, given up.
STATUSES = ["open"] * 8 + ["exhausted"] * 2 + ["recovered"] * 7 + ["closed"] * 3
CURRENCIES = ["gbp"] * 11 + ["eur"] * 4 + ["usd"] * 2 + ["jpy"] * 3
PLANS = ["Starter", "Growth", "Pro", "Business"]
FLAGS = {3: "bounced", 4: "not_sent", 6: "unknown_send"}
EVENT_STATUSES = {7: "failed", 8: "stored", 9: "ignored"}
DENSE = 1_000
TRADES = ["Bakery", "Cycles", "Dental", "Estates", "Florist", "Garage", "Hotels", "Imports", "Joinery", "Kitchens"]
STANDINGS = {"open": "past_due", "exhausted": "suspended", "recovered": "active", "closed": "active"}


def make_queue(*, cases: int, at: datetime) -> None:
    """So many cases of as many customers as they stand at that moment, with steps, and an event and a mail each."""
    policy = DunningPolicy.objects.current_for(None)
    planned = policy.ordered_steps()
    for numbers in batched(range(cases), BATCH):
        accounts = Account.objects.bulk_create(_account(number) for number in numbers)
        failures = PaymentFailure.objects.bulk_create(
            _failure(number, account, policy, planned, at) for number, account in zip(numbers, accounts, strict=True)
        )
        StripeEvent.objects.bulk_create(_event(*row) for row in zip(numbers, failures, strict=True))
        OutgoingMail.objects.bulk_create(_mail(*row) for row in zip(numbers, failures, strict=True))
        DunningStep.objects.bulk_create(step for failure in failures for step in _steps(failure, planned, at))


def _mark(number: int) -> int:
    """What is rare of the case: a number that one of twenty has at first, and one of two hundred later."""
    return number % (20 if number < DENSE else 200)


def _account(number: int) -> Account:
    return Account(
        name=f"{TRADES[number % 10]} {number} Ltd",
        billing_email=f"customer-{number}@example.com",
        stripe_customer_id=f"cus_{number:07d}",
        standing=STANDINGS[STATUSES[number % 20]],
    )


def _failure(
    number: int, account: Account, policy: DunningPolicy, planned: list[DunningPolicyStep], at: datetime
) -> PaymentFailure:
    status = STATUSES[number % 20]
    is_owed = status in {"open", "exhausted"}
    # Open cases are of the last fortnight, the others of the last two years; no two of one second.
    age = timedelta(days=14) if status == "open" else timedelta(days=730)
    failed_at = at - age * ((number * 7919 % 100_003) / 100_003)
    moments = [failed_at + timedelta(days=step.offset_days) for step in planned]
    unsent = [moment for moment in moments if moment >= at - LATE] if status == "open" else []
    return PaymentFailure(
        account=account,
        policy=policy,
        livemode=False,
        invoice_id=f"in_{number:07d}",
        subscription_id=f"sub_{number:07d}",
        invoice_number=f"LVQ-{number:07d}",
        plan_name=PLANS[number // 7 % 4],
        amount_cents=500 + number * 7907 % 90_001,
        currency=CURRENCIES[number // 3 % 20],
        failure_date=failed_at,
        status=status,
        next_step_at=unsent[0] if unsent else None,
        resolved_at=None if is_owed else failed_at + (at - failed_at) / 2,
        paused_at=at if _mark(number) == 5 else None,
        hold_reason="unreachable" if _mark(number) in {1, 2} else "",
        flag=FLAGS.get(_mark(number), ""),
    )


def _steps(failure: PaymentFailure, planned: list[DunningPolicyStep], at: datetime) -> Iterator[DunningStep]:
    for position, step in enumerate(planned, start=1):
        scheduled_for = failure.failure_date + timedelta(days=step.offset_days)
        is_sent = scheduled_for < at - LATE
        unsent = "pending" if failure.status == "open" else "cancelled"
        yield DunningStep(
            failure=failure,
            invoice_id=failure.invoice_id,
            attempt_number=position,
            offset_days=step.offset_days,
            template=step.template,
            action=step.action,
            scheduled_for=scheduled_for,
            status="sent" if is_sent else unsent,
            sent_at=scheduled_for if is_sent else None,
        )


def _event(number: int, failure: PaymentFailure) -> StripeEvent:
    sample = Sample(created=failure.failure_date, invoice=failure.invoice_id, customer=f"cus_{number:07d}")
    body = event("invoice.payment_failed", sample)
    return StripeEvent(
        event_id=f"evt_{number:07d}",
        livemode=False,
        type=body["type"],
        created=failure.failure_date,
        object_id=failure.invoice_id,
        invoice_id=failure.invoice_id,
        customer_id=sample.customer,
        body=json.dumps(body).encode(),
        received_at=failure.failure_date,
        status=EVENT_STATUSES.get(_mark(number), "done"),
        request_id=f"req-{number:07d}",
    )


def _mail(number: int, failure: PaymentFailure) -> OutgoingMail:
    return OutgoingMail(
        key=f"bench:{number}",
        name="billing/first_notice",
        about=f"billing.paymentfailure:{failure.pk}",
        account_id=failure.account_id,
        to_email=f"customer-{number}@example.com",
        from_email="billing@levqor.example",
        subject=f"Payment failed for invoice {failure.invoice_number}",
        text_body="Your payment failed. " * 40,
        html_body="<p>Your payment failed.</p>" * 100,
        status="failed" if _mark(number) == 11 else "sent",
        sent_at=failure.failure_date,
        created_at=failure.failure_date,
        provider_id=f"re_{number:07d}",
        bounced_at=failure.failure_date if failure.flag == "bounced" else None,
    )
