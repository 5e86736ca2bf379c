"""Waiting with an account or an invoice until something else is settled."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from billing.models import DunningHold, PaymentFailure
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.lib.actors import Actor


def hold(
    account: Account,
    reason: str,
    *,
    by: Actor,
    at: datetime,
    invoice_id: str = "",
    until: datetime | None = None,
    note: str = "",
) -> bool:
    """Holds dunning of the account, or of one invoice; False where it is held for that reason and note already."""
    with transaction.atomic():
        Account.objects.locked(account.pk)
        # One that has run out makes room for the next.
        DunningHold.objects.filter(account=account, lifted_at=None, until__lte=at).update(lifted_at=F("until"))
        row, is_new = DunningHold.objects.get_or_create(
            account=account,
            invoice_id=invoice_id,
            reason=reason,
            note=note[:300],
            lifted_at=None,
            defaults={"held_at": at, "until": until},
        )
        if is_new:
            changes = {"hold": [None, row.pk], "invoice": [None, invoice_id]}
            record("dunning.held", account, by=by, at=at, reason=note or str(row.get_reason_display()), changes=changes)
    return is_new


def lift(account: Account, reason: str, *, by: Actor, at: datetime, invoice_id: str = "", note: str = "") -> int:
    """Ends what `hold` began with the same words; returns how many ended."""
    with transaction.atomic():
        Account.objects.locked(account.pk)
        live = DunningHold.objects.filter(account=account, reason=reason, invoice_id=invoice_id, note=note[:300])
        ended = live.filter(lifted_at=None).update(lifted_at=at)
        if ended:
            record("dunning.released", account, by=by, at=at, reason=note, changes={"holds": [ended, 0]})
    return ended


def is_held(case: PaymentFailure, *, at: datetime) -> bool:
    return DunningHold.objects.live(at=at).on_invoice(case.account_id, case.invoice_id).exists()
