"""System checks of what would be noticed too late: an order of time limits that lets work run twice, unsigned hooks."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from billing.dunning import LEASE
from billing.gateway import TIMEOUT_SECONDS
from levqor.mail.signing import is_usable


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
