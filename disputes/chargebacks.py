"""Chargebacks: a bank takes a payment back and asks for our side of it, by a day that Stripe names. Staff are told at once,
and 7, 3 and 1 days before that day, as long as something can still be done."""

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse

from billing.models import PaymentDispute, PaymentFailure
from billing.stripe_payments import DisputeFacts
from disputes.models import NEEDS_EVIDENCE, Chargeback
from levqor.lib.business_time import is_open
from levqor.lib.money import format_money
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import about, send

logger = structlog.get_logger(__name__)

WARNED_AT: Final = (1, 3, 7)


def keep(payment: PaymentDispute, facts: DisputeFacts, *, at: datetime) -> None:
    """What Stripe tells of it now; the first time whoever is on duty is told. Repeats change nothing."""
    present = {"evidence_due_at": facts.evidence_due_at, "is_answered": facts.is_answered}
    with transaction.atomic():
        chargeback, is_new = Chargeback.objects.get_or_create(payment=payment, defaults=present)
        if not is_new:
            Chargeback.objects.filter(pk=chargeback.pk).update(**present)
        elif facts.status in NEEDS_EVIDENCE:
            _tell("disputes/chargeback", chargeback, key=f"chargeback:{chargeback.pk}", at=at)


def with_account() -> QuerySet[Chargeback]:
    """With the name of the account whose invoice it is about, as `account_name`; empty where nobody knows it."""
    case = PaymentFailure.objects.filter(invoice_id=OuterRef("payment__invoice_id")).exclude(invoice_id="")
    named = Subquery(case.values("account__name")[:1])
    return Chargeback.objects.select_related("payment").annotate(account_name=named)


def warn_of_evidence(*, at: datetime) -> int:
    """Mails the warnings that are due, the latest of each, and returns how many; within business hours."""
    if not is_open(at):
        return 0
    due = with_account().filter(
        payment__status__in=NEEDS_EVIDENCE,
        is_answered=False,
        evidence_due_at__gt=at,
        evidence_due_at__lte=at + timedelta(days=max(WARNED_AT)),
    )
    warned = 0
    for chargeback in due.order_by("evidence_due_at"):
        try:
            warned += _warn(chargeback, at=at)
        except Exception:  # one broken row must not keep staff in the dark about the others
            logger.exception("chargeback_warning_crashed", chargeback=chargeback.pk)
    return warned


def _warn(chargeback: Chargeback, *, at: datetime) -> bool:
    left = (chargeback.evidence_due_at or at) - at
    mark = next(days for days in WARNED_AT if left <= timedelta(days=days))
    if chargeback.warned_days is not None and chargeback.warned_days <= mark:
        return False
    with transaction.atomic():
        unwarned = Chargeback.objects.filter(pk=chargeback.pk, warned_days=chargeback.warned_days)
        if not unwarned.update(warned_days=mark):
            return False
        _tell("disputes/chargeback_due", chargeback, key=f"chargeback:{chargeback.pk}:{mark}", at=at)
    return True


def _tell(name: str, chargeback: Chargeback, *, key: str, at: datetime) -> OutgoingMail:
    payment = chargeback.payment
    context: dict[str, Any] = {
        "dispute_id": payment.dispute_id,
        "amount": format_money(payment.amount_cents, payment.currency),
        "bank_reason": payment.reason.replace("_", " ") or "no reason given",
        "invoice_id": payment.invoice_id,
        "due_at": chargeback.evidence_due_at,
        "admin_url": settings.SITE_URL + reverse("admin:disputes_chargeback_change", args=[chargeback.pk]),
    }
    return send(name, settings.SUPPORT_EMAIL, context, key=key, at=at, about=about(chargeback))
