"""The set-up at Stripe as far as people have confirmed it, what the data says against it, and the system checks of what
would be noticed too late: an order of time limits that lets work run twice, unsigned hooks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max
from django.urls import reverse

from billing import gateway
from billing.dunning import LEASE
from billing.gateway import TIMEOUT_SECONDS
from billing.inbox import HANDLERS
from billing.models import Alarm, PaymentFailure, SetupConfirmation, SetupItem, StepStatus, StripeEvent
from levqor.accounts.models import User
from levqor.audit.models import record
from levqor.lib.actors import staff
from levqor.mail.signing import is_usable

# An event that Stripe lists and that our endpoint has not been given after so long was not sent to it.
DELIVERY_PATIENCE = timedelta(minutes=10)
LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Check:
    """One line of the checklist: where to look, and why it matters."""

    item: SetupItem
    where: str
    why: str


CHECKLIST = [
    Check(
        SetupItem.FAILURE_MAILS_OFF,
        "Stripe Dashboard › Settings › Billing › Revenue recovery › Emails: “Send emails when card payments fail” is off, "
        "and so is “Send emails about expiring cards” if you write about those yourself.",
        "Stripe has no API that tells, and no event says that it wrote. With both on, customers get two mails for one "
        "failed payment, with different dates in them.",
    ),
    Check(
        SetupItem.CONFIRMATION_MAILS_OFF,
        "Stripe Dashboard › Settings › Billing › Subscriptions and emails › Manage payments that require confirmation: "
        "the mails to customers are off.",
        "Levqor itself writes at once where a bank wants the customer to confirm (3-D Secure).",
    ),
    Check(
        SetupItem.RETRY_WINDOW,
        "Stripe Dashboard › Settings › Billing › Revenue recovery › Retries: the last retry is at most 14 days after the "
        "first failure (or before the final notice of your own policy).",
        "The final notice and the suspension wait for a retry that Stripe has announced, so a longer window delays both.",
    ),
    Check(
        SetupItem.ENDPOINT_VERSION,
        f"Stripe Dashboard › Developers › Webhooks › the endpoint of Levqor: API version {gateway.API_VERSION}, or an older "
        "one down to 2020-08-27.",
        "An event keeps the shape of its endpoint’s version for ever. Levqor raises an alarm when it meets another one.",
    ),
    Check(
        SetupItem.ENDPOINT_EVENTS,
        "Stripe Dashboard › Developers › Webhooks › the endpoint of Levqor: " + ", ".join(sorted(HANDLERS)) + ".",
        "What is not sent is found by polling only, up to 15 minutes later, and not at all where Stripe has no object to "
        "poll.",
    ),
    Check(
        SetupItem.MAIL_TRACKING,
        f"Resend › Webhooks: {settings.SITE_URL}/anymail/resend/tracking/ with delivered, bounced, complained, failed and "
        "suppressed; its signing secret is RESEND_SIGNING_SECRET. Open and click tracking belong to the domain: as you "
        "like, they decide nothing.",
        "Without it a bounce is not heard of, and an account might be suspended that was never warned.",
    ),
]
CHECK_OF_ITEM = {check.item: check for check in CHECKLIST}


@dataclass(frozen=True)
class Finding:
    """Something that staff should know of the set-up, with the page where it is dealt with."""

    title: str
    detail: str
    url: str
    is_bad: bool = False


def confirmations() -> dict[str, SetupConfirmation]:
    """What stands confirmed in the mode that acts, by item."""
    standing = SetupConfirmation.objects.filter(livemode=settings.STRIPE_LIVEMODE, withdrawn_at=None)
    return {row.item: row for row in standing}


def confirm(item: SetupItem, *, by: User, note: str, at: datetime) -> bool:
    """Somebody looked and found it so; False where it stands confirmed already."""
    try:
        with transaction.atomic():
            row = SetupConfirmation.objects.create(
                item=item,
                livemode=settings.STRIPE_LIVEMODE,
                confirmed_by=by,
                confirmed_name=by.get_full_name()[:200],
                confirmed_at=at,
                note=note,
            )
            record("setup.confirmed", row, by=staff(by), at=at, reason=note, changes={"item": item.value})
    except IntegrityError:
        return False
    return True


def withdraw(item: SetupItem, *, by: User, reason: str, at: datetime) -> bool:
    """It is no longer so, or never was; False where nothing stands confirmed."""
    row = confirmations().get(item)
    with transaction.atomic():
        standing = SetupConfirmation.objects.filter(pk=row.pk, withdrawn_at=None) if row else None
        if row is None or standing is None or not standing.update(withdrawn_at=at):
            return False
        record("setup.withdrawn", row, by=staff(by), at=at, reason=reason, changes={"item": item.value})
    return True


def warnings(*, at: datetime) -> list[Finding]:
    """What the dashboard and the queue say aloud; empty without a key, where nothing of this matters yet."""
    return [*_alarms(), *(_unconfirmed() if gateway.is_enabled() else [])]


def findings(*, at: datetime) -> list[Finding]:
    """Everything that the data says, for the page of the set-up."""
    return [*_alarms(), *_late_retries(), *_missed_events(at), *_test_clocks()]


def _alarms() -> list[Finding]:
    url = reverse("admin:billing_alarm_changelist")
    rows = Alarm.objects.filter(cleared_at=None)
    return [Finding(f"{row.get_kind_display()}: {row.subject}", row.detail, url, is_bad=True) for row in rows[:20]]


def _unconfirmed() -> list[Finding]:
    missing = len(CHECKLIST) - len(confirmations())
    if not missing:
        return []
    url = reverse("admin:billing_setupconfirmation_changelist")
    text = f"{missing} of {len(CHECKLIST)} settings that no program can read wait for somebody to look at them."
    return [Finding("The set-up at Stripe is not confirmed", text, url)]


def _late_retries() -> list[Finding]:
    """Stripe's own announcements of its next attempts, held against the day of the last notice."""
    late = PaymentFailure.objects.unsettled().filter(
        steps__action="suspend", steps__status=StepStatus.PENDING, next_payment_attempt__gt=F("steps__scheduled_for")
    )
    seen = late.aggregate(cases=Count("pk", distinct=True), last=Max("next_payment_attempt"))
    if not seen["cases"]:
        return []
    text = f"{seen['cases']} open cases have a retry announced after the day of their final notice, the last one on "
    return [
        Finding(
            "Stripe’s retries outlast the policy",
            f"{text}{seen['last']:%-d %B %Y}. Levqor waits for them, so those customers are warned and suspended late.",
            reverse("admin:billing_setupconfirmation_changelist"),
        )
    ]


def _missed_events(at: datetime) -> list[Finding]:
    """Handled types that reached us only because we asked: the endpoint is not sent them, or was down."""
    asked_for = StripeEvent.objects.acting().filter(received_at__gt=at - LOOK_BACK, request_id="", type__in=HANDLERS)
    late = asked_for.filter(received_at__gt=F("created") + DELIVERY_PATIENCE)
    rows = list(late.values("type").annotate(times=Count("pk")).order_by("-times", "type"))
    if not rows:
        return []
    types = ", ".join(f"{row['type']} ({row['times']})" for row in rows[:8])
    return [
        Finding(
            "Stripe’s webhook missed events",
            f"In the last 7 days these came only because Levqor asked for them: {types}.",
            reverse("admin:billing_stripeevent_changelist"),
        )
    ]


def _test_clocks() -> list[Finding]:
    cases = PaymentFailure.objects.unsettled().exclude(test_clock_id="").count()
    if not cases:
        return []
    url = reverse("admin:billing_paymentfailure_changelist")
    return [Finding("Test clocks", f"{cases} open cases are run by a test clock of Stripe’s, in its own time.", url)]


@register()
def check_time_limits(**kwargs: Any) -> list[CheckMessage]:
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    problems: list[CheckMessage] = []
    if visibility is not None and visibility <= settings.CELERY_TASK_TIME_LIMIT:
        problems.append(
            Error(
                "A task may run longer than the broker's visibility timeout, so it would be started twice.",
                hint="Keep CELERY_TASK_TIME_LIMIT below visibility_timeout.",
                id="billing.E001",
            )
        )
    if LEASE.total_seconds() <= TIMEOUT_SECONDS * 4:
        problems.append(Error("A step's lease may end while Stripe is being asked.", id="billing.E002"))
    return problems


@register(deploy=True)
def check_webhook_secrets(**kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_WEBHOOK_SECRETS:
        problems.append(
            Warning("STRIPE_WEBHOOK_SECRET is not set: Stripe's events are answered 503.", id="billing.W001")
        )
    if settings.RESEND_API_KEY and not is_usable(settings.RESEND_SIGNING_SECRET):
        problems.append(
            Warning("RESEND_SIGNING_SECRET is not set, or none: bounces are not heard of.", id="billing.W002")
        )
    return problems
