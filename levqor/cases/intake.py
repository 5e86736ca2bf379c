"""Taking a case in: recognised as a repeat or counted against the limits, numbered, tied to its account, acknowledged."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.http import HttpRequest

from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.cases.models import Case, CaseAnnex, CaseRepeat, Source
from levqor.guard import limits
from levqor.guard.limits import Limit
from levqor.guard.networks import client_network
from levqor.guard.references import Series, next_reference
from levqor.lib.actors import CUSTOMER, Actor, customer

REPEAT_WINDOW: Final = timedelta(days=1)


@dataclass(frozen=True)
class Sender:
    """Who sends a case, and from where. `account` is set for people who signed in."""

    full_name: str
    email: str
    account_name: str
    source: Source
    network: str
    user_agent: str = ""
    request_id: str = ""
    account: Account | None = None
    by: Actor = CUSTOMER


def sender_of(request: HttpRequest, *, source: Source, full_name: str, email: str, account_name: str) -> Sender:
    """The sender of a request, with whatever account they are signed in to."""
    user = request.user if request.user.is_authenticated else None
    return Sender(
        full_name=full_name,
        email=email.lower(),
        account_name=account_name,
        source=source,
        network=client_network(request),
        user_agent=request.headers.get("User-Agent", "")[:300],
        request_id=str(getattr(request, "request_id", "")),
        account=Account.objects.filter(members=user.pk).order_by("pk").first() if user else None,
        by=customer(request.user),
    )


def take_in(
    series: Series, sender: Sender, content: dict[str, Any], finish: Callable[[Case], None], *, at: datetime
) -> tuple[Case, bool]:
    """The case of this content, and whether it is new. `finish` writes what is special about its kind, in the same
    transaction.

    The same content from the same address (without one: from the same network) within a day gives the first case, and
    counts against no limit. Raises LimitReachedError where too many came within the hour.
    """
    digest = _digest(series, sender, content)
    with transaction.atomic():
        # Whoever comes second waits here for the first and then finds its case.
        CaseRepeat.objects.get_or_create(digest=digest, defaults={"taken_at": at})
        repeat = CaseRepeat.objects.select_for_update().select_related(None).get(digest=digest)
        if repeat.case_id and at - repeat.taken_at < REPEAT_WINDOW:
            return Case.objects.get(pk=repeat.case_id), False
        limits.accept(*_takes(sender), at=at)
        case = _create(series, sender, at=at)
        CaseRepeat.objects.filter(digest=digest).update(case=case, taken_at=at)
        finish(case)
    return case, True


def _takes(sender: Sender) -> list[limits.Take]:
    takes: list[limits.Take] = [(Limit("cases.network", settings.CASE_LIMIT_PER_NETWORK), sender.network)]
    if sender.email:
        takes.append((Limit("cases.email", settings.CASE_LIMIT_PER_EMAIL), sender.email))
    return takes


def _create(series: Series, sender: Sender, *, at: datetime) -> Case:
    case = Case.objects.create(
        series=series,
        reference=next_reference(series, at=at),
        source=sender.source,
        full_name=sender.full_name,
        email=sender.email,
        account_name=sender.account_name,
        account=sender.account or account_of_address(sender.email),
        submitted_at=at,
    )
    CaseAnnex.objects.create(
        case=case, network=sender.network, user_agent=sender.user_agent, request_id=sender.request_id
    )
    record("received", case, by=sender.by, at=at, changes={"source": sender.source, "account": case.account_id})
    return case


def account_of_address(email: str) -> Account | None:
    """The one account that this address clearly belongs to, as its billing address or a member's; else a person decides."""
    if not email:
        return None
    # One query for each index: together with an OR neither would be used.
    billed = Account.objects.alias(address=Lower("billing_email")).filter(address=email.lower())
    joined = Account.objects.alias(address=Lower("members__email")).filter(address=email.lower())
    found = {account.pk: account for account in [*billed[:2], *joined[:2]]}
    return next(iter(found.values())) if len(found) == 1 else None


def _digest(series: Series, sender: Sender, content: dict[str, Any]) -> str:
    whose = sender.email or sender.network
    said = json.dumps([series, whose, sender.full_name, sender.account_name, content], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()
