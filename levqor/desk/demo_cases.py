"""The failed payments of the demo, taken through the real verbs; their mails are written and never handed over."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from billing import emails, staff_actions
from billing.failures import FailureEvidence, flag_case, open_case, settle_case
from billing.models import DunningEmail, DunningStep, Flag, PaymentFailure, StepStatus
from billing.sample_events import Sample, invoice_object
from billing.steps import move_step
from billing.stripe_objects import invoice_facts
from levqor.accounts.models import Account, Suspension
from levqor.lib.actors import SYSTEM
from levqor.lib.states import move
from levqor.mail.models import BounceKind, MailStatus, OutgoingMail, Suppression
from levqor.mail.outbox import about


@dataclass(frozen=True)
class DemoCase:
    """Who failed to pay what, how many days ago, how many mails went out since, and how it ended."""

    customer: str
    days_ago: float
    mails: int
    plan: str = "growth"
    amount: int = 9900
    currency: str = "gbp"
    ending: str = ""
    days_to_ending: int = 0


# Chosen so that no step is due at the moment of loading: a mail is due on day 1, 7 and 14.
CASES = [
    DemoCase("Fernhill Bakery", 0.2, 0, "starter", 2900),
    DemoCase("Oakfield Studio", 2, 1),
    DemoCase("Brandt Logistik", 3, 1, "pro", 24900, "eur"),
    DemoCase("Kestrel Analytics", 9, 2, "business", 59900),
    DemoCase("Harbour & Finch", 10, 2, ending="bounced"),
    DemoCase("Sakura Print", 4, 1, "pro", 30000, "jpy", ending="paused"),
    DemoCase("Milltown Cycles", 20, 3, ending="suspended"),
    DemoCase("Pine Street Dental", 33, 1, "starter", 2900, ending="paid", days_to_ending=3),
    DemoCase("Copperline Media", 40, 2, "pro", 24900, ending="paid", days_to_ending=9),
    DemoCase("Nordlys Design", 65, 3, "growth", 11000, "eur", ending="paid", days_to_ending=16),
    DemoCase("Wren & Sons", 70, 3, "business", 59900, ending="paid", days_to_ending=15),
    DemoCase("Lakeside Gym", 80, 2, ending="stopped", days_to_ending=11),
    DemoCase("Tidewater Rentals", 100, 0, "pro", 24900, ending="paid", days_to_ending=0),
]


def make_cases(*, at: datetime) -> None:
    for number, demo in enumerate(CASES, start=1):
        invoice = f"in_demo{number:04d}"
        if not PaymentFailure.objects.filter(invoice_id=invoice).exists():
            _make(demo, invoice, number, at=at)


def _make(demo: DemoCase, invoice: str, number: int, *, at: datetime) -> None:
    failed_at = at - timedelta(days=demo.days_ago)
    if demo.days_ago >= 1:
        # In the morning, as the mails that follow a day later leave in the customer's day only.
        failed_at = failed_at.replace(hour=10, minute=10 + number)
    slug = "".join(letter for letter in demo.customer.lower() if letter.isalpha())
    sample = Sample(
        created=failed_at,
        email=f"billing@{slug}.levqor.test",
        plan=demo.plan,
        amount=demo.amount,
        currency=demo.currency,
        invoice=invoice,
        subscription=f"sub_demo{number:04d}",
        customer=f"cus_demo{number:04d}",
    )
    # Stripe's own tries are over in the demo, so that the last step is not held for them.
    facts = replace(invoice_facts(invoice_object(sample)), customer_name=demo.customer, next_payment_attempt=None)
    open_case(facts, FailureEvidence(failed_at, decline_code="insufficient_funds"), at=failed_at)
    case = PaymentFailure.objects.select_related("account").get(invoice_id=invoice)
    for step in case.steps.all()[: demo.mails]:
        _pretend_to_send(step, at=min(step.scheduled_for, at))
    _end(demo, case, at=failed_at + timedelta(days=demo.days_to_ending, hours=5))


def _pretend_to_send(step: DunningStep, *, at: datetime) -> None:
    """What a dunning pass leaves behind after a send."""
    case = step.failure
    move(step, StepStatus.SENDING, by=SYSTEM, at=at)
    mail = emails.reminder([step], at=at)
    _pretend_delivered(mail, at=at)
    DunningEmail.objects.create(
        failure=case, user=case.user, step=step, mail=mail, email_type=f"day_{step.offset_days}", sent_at=at
    )
    move_step(step, StepStatus.SENT, by=SYSTEM, at=at, sent_at=at, mail=mail)


def _pretend_delivered(mail: OutgoingMail, *, at: datetime) -> None:
    if mail.claim(at=at):
        mail.settle(MailStatus.SENT, sent_at=at, delivered_at=at + timedelta(seconds=4))


def _end(demo: DemoCase, case: PaymentFailure, *, at: datetime) -> None:
    case.refresh_from_db()
    if demo.ending == "paid":
        settle_case(case, None, at=at)
        for mail in OutgoingMail.objects.filter(about=about(case), status=MailStatus.PENDING):
            _pretend_delivered(mail, at=at)
    elif demo.ending == "paused":
        staff_actions.pause(case, until=None, by=SYSTEM, at=at, reason="A new card is on its way, says the customer.")
    elif demo.ending == "stopped":
        staff_actions.stop(case, by=SYSTEM, at=at, reason="Invoiced by mistake; settled on the phone.")
    elif demo.ending == "bounced":
        _pretend_to_bounce(case, at=case.failure_date + timedelta(days=7, minutes=1))
    elif demo.ending == "suspended":
        _suspend(case, at=case.failure_date + timedelta(days=14))


def _pretend_to_bounce(case: PaymentFailure, *, at: datetime) -> None:
    """What the provider's bounce of the newest mail leaves behind."""
    words = "550 5.1.1 No such user here"
    newest = OutgoingMail.objects.filter(about=about(case)).latest("sent_at")
    OutgoingMail.objects.filter(pk=newest.pk).update(
        delivered_at=None, bounced_at=at, bounce_kind=BounceKind.PERMANENT, bounce_detail=words
    )
    Suppression.objects.create(email=newest.to_email, reason=Suppression.Reason.BOUNCE, detail=words, suppressed_at=at)
    flag_case(case, Flag.BOUNCED, at=at)


def _suspend(case: PaymentFailure, *, at: datetime) -> None:
    case.exhaust(by=SYSTEM, at=at, suspend_at=at)
    PaymentFailure.objects.filter(pk=case.pk).update(suspended_at=at)
    Account.objects.locked(case.account_id).suspend(Suspension.Reason.BILLING, by=SYSTEM, at=at)
