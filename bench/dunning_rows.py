"""The rows of a business with many failed payments, made in bulk: some are due now, the others wait for their day."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched

from billing.models import DunningEmail, DunningPolicy, DunningPolicyStep, DunningStep, PaymentFailure, StripeEvent
from billing.sample_events import Sample, event
from levqor.accounts.models import Account
from levqor.mail.models import OutgoingMail

# A Tuesday in the hours in which reminders leave.
NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
DUE_SINCE = timedelta(days=1, hours=1)
# Of those that wait, half wait for their first reminder and half had it.
WAITING_SINCE = [timedelta(hours=9), timedelta(days=3)]
BATCH = 2000


def make_cases(*, cases: int, due: int) -> None:
    """So many open cases of as many customers, of which `due` have their first reminder due at NOW."""
    policy = DunningPolicy.objects.current_for(None)
    planned = policy.ordered_steps()
    for numbers in batched(range(cases), BATCH):
        accounts = Account.objects.bulk_create(_account(number) for number in numbers)
        failures = PaymentFailure.objects.bulk_create(
            _failure(number, account, policy, due) for number, account in zip(numbers, accounts, strict=True)
        )
        StripeEvent.objects.bulk_create(_event(failure) for failure in failures)
        steps = [step for failure in failures for step in _steps(failure, planned)]
        OutgoingMail.objects.bulk_create(step.mail for step in steps if step.mail)
        DunningStep.objects.bulk_create(steps)
        DunningEmail.objects.bulk_create(_email(step) for step in steps if step.mail)


def _account(number: int) -> Account:
    return Account(
        name=f"Customer {number}",
        billing_email=f"customer-{number}@example.com",
        stripe_customer_id=f"cus_{number:06d}",
        standing="past_due",
    )


def _failure(number: int, account: Account, policy: DunningPolicy, due: int) -> PaymentFailure:
    since = DUE_SINCE if number < due else WAITING_SINCE[number % 2]
    return PaymentFailure(
        account=account,
        policy=policy,
        livemode=False,
        invoice_id=f"in_{number:06d}",
        subscription_id=f"sub_{number:06d}",
        invoice_number=f"LVQ-{number:06d}",
        plan_name="Growth",
        amount_cents=2900,
        currency="gbp",
        failure_date=NOW - since,
    )


def _event(failure: PaymentFailure) -> StripeEvent:
    sample = Sample(created=failure.failure_date, invoice=failure.invoice_id, customer=_customer(failure))
    body = event("invoice.payment_failed", sample)
    return StripeEvent(
        event_id=body["id"],
        livemode=False,
        type=body["type"],
        created=failure.failure_date,
        object_id=failure.invoice_id,
        invoice_id=failure.invoice_id,
        customer_id=sample.customer,
        body=json.dumps(body).encode(),
        received_at=failure.failure_date,
        status="done",
    )


def _customer(failure: PaymentFailure) -> str:
    return failure.account.stripe_customer_id or ""


def _steps(failure: PaymentFailure, planned: list[DunningPolicyStep]) -> Iterator[DunningStep]:
    for position, step in enumerate(planned, start=1):
        scheduled_for = failure.failure_date + timedelta(days=step.offset_days)
        sent_at = scheduled_for if scheduled_for < NOW - timedelta(days=1) else None
        yield DunningStep(
            failure=failure,
            stripe_customer_id=_customer(failure),
            invoice_id=failure.invoice_id,
            email=failure.account.billing_email,
            attempt_number=position,
            offset_days=step.offset_days,
            template=step.template,
            action=step.action,
            scheduled_for=scheduled_for,
            status="sent" if sent_at else "pending",
            sent_at=sent_at,
            mail=_mail(failure, sent_at) if sent_at else None,
        )


def _mail(failure: PaymentFailure, sent_at: datetime) -> OutgoingMail:
    return OutgoingMail(
        key=f"dunning:before:{failure.invoice_id}",
        name="billing/first_notice",
        account_id=failure.account_id,
        to_email=failure.account.billing_email,
        from_email="billing@levqor.example",
        subject="Payment failed",
        text_body="Payment failed",
        html_body="<p>Payment failed</p>",
        is_driven_by_flow=True,
        status="sent",
        sent_at=sent_at,
        created_at=sent_at,
    )


def _email(step: DunningStep) -> DunningEmail:
    return DunningEmail(failure=step.failure, step=step, mail=step.mail, email_type="day_1", sent_at=step.sent_at)


def make_due_again() -> None:
    """Takes back what a pass did, so that the next one finds the same cases due."""
    done = DunningStep.objects.filter(attempt_number=1, scheduled_for=NOW - DUE_SINCE + timedelta(days=1))
    mails = list(done.exclude(mail=None).values_list("mail_id", flat=True))
    DunningEmail.objects.filter(step__in=done).delete()
    done.update(status="pending", sent_at=None, lease_until=None, mail=None)
    OutgoingMail.objects.filter(pk__in=mails).delete()
