"""The mails of a claim: to the customer at each step, and to support when one comes in."""

from datetime import datetime
from typing import Any

from django.conf import settings

from claims.measuring import Measurement
from claims.models import Claim, CreditEntry, CreditStatus, Proposal
from levqor.cases.emails import context_of, to_customer
from levqor.cases.models import CaseMessage, Deadline
from levqor.cases.models.deadline import answer_date
from levqor.cases.tracking import desk_url
from levqor.lib.money import format_money
from levqor.mail.models import LINK_HIDDEN, OutgoingMail
from levqor.mail.outbox import about, send
from levqor.mail.rendering import RenderedMail, render


def received(claim: Claim, *, at: datetime) -> OutgoingMail | None:
    """The acknowledgement: reference, copy of the claim, dates, link. None where a mail could start a loop."""
    return _to_customer("claims/received", claim, key=f"claim:{claim.pk}:received", at=at)


def announced(claim: Claim, *, at: datetime) -> OutgoingMail:
    """Tells support that a claim came in, and by when it has to be decided."""
    case = claim.case
    context = _context(claim) | {
        "email": case.email,
        "account": str(case.account) if case.account else "",
        "admin_url": desk_url(claim.case),
    }
    return send(
        "claims/announced", settings.SUPPORT_EMAIL, context, key=f"claim:{claim.pk}:announced", at=at, about=about(case)
    )


def replied(claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """What staff answered."""
    return _with_message("claims/replied", claim, message, at=at)


def asked(claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """What staff need to know before they decide."""
    return _with_message("claims/asked", claim, message, at=at)


def reminded(claim: Claim, deadline: Deadline, *, at: datetime) -> OutgoingMail | None:
    """That we still wait for an answer, once for each time that we asked."""
    asked_at = deadline.waiting_since
    return _to_customer("claims/reminded", claim, key=f"claim:{claim.pk}:reminded:{asked_at:%Y%m%dT%H%M%S}", at=at)


def refused(claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """That there is no credit, why, and what can be done about it."""
    return _with_message("claims/refused", claim, message, at=at)


def approved(claim: Claim, proposal: Proposal, entry: CreditEntry, *, at: datetime) -> OutgoingMail | None:
    """That there is a credit, the sum it comes from, and when it lowers an invoice."""
    found = Measurement.from_json(proposal.measurement)
    taken = proposal.measurement["taken_cents"]
    sum_in_words = {
        "amount": proposal.amount,
        "reason_given": proposal.reason,
        "is_manual": proposal.is_manual,
        "is_by_hand": entry.status == CreditStatus.BY_HAND,
        "found": found,
        "price": format_money(found.price_cents, found.currency),
        "worth": format_money(found.credit_cents, found.currency),
        "taken": format_money(taken, found.currency) if taken else "",
    }
    return _decided("claims/approved", claim, sum_in_words, key=f"claim:{claim.pk}:approved", at=at)


def credited(claim: Claim, entry: CreditEntry, *, at: datetime) -> OutgoingMail | None:
    """That the credit is on the account."""
    return _decided("claims/credited", claim, _booked(entry), key=f"claim:{claim.pk}:credited", at=at)


def taken_back(claim: Claim, entry: CreditEntry, *, at: datetime) -> OutgoingMail | None:
    """That the credit was reversed, and why."""
    booked = _booked(entry) | {"reason_given": entry.proposal.reason}
    return _decided("claims/reversed", claim, booked, key=f"claim:{claim.pk}:reversed", at=at)


def _booked(entry: CreditEntry) -> dict[str, Any]:
    return {
        "amount": entry.amount,
        "external_reference": entry.external_reference,
        "is_standing": entry.ordered_at is not None,
    }


def _decided(name: str, claim: Claim, more: dict[str, Any], *, key: str, at: datetime) -> OutgoingMail | None:
    """People decided it, once in the life of a claim: no loop is to be feared."""
    return to_customer(name, claim.case, _context(claim) | more, key=key, at=at)


def preview(name: str, claim: Claim, body: str, *, at: datetime) -> RenderedMail:
    """The mail as it would go, without the customer's own link."""
    own = {"body": body, "tracking_url": LINK_HIDDEN, "answer_by": answer_date(at)}
    return render(name, _context(claim) | own)


def _with_message(name: str, claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """A person of the staff wrote it, so no loop is to be feared."""
    context = _context(claim) | {"body": message.body}
    return to_customer(name, claim.case, context, key=f"claim:{claim.pk}:message:{message.pk}", at=at)


def customer_wrote(claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail:
    """Tells whoever has the claim, or support, that the customer wrote."""
    return _to_staff("claims/customer_wrote", claim, message, at=at)


def asked_again(claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail:
    """Tells them that the customer wants a new decision."""
    return _to_staff("claims/asked_again", claim, message, at=at)


def unanswered(claim: Claim, *, at: datetime) -> OutgoingMail:
    """Tells whoever has the claim, or support, that the customer was silent and the clock runs again."""
    case = claim.case
    context = _context(claim) | {"admin_url": desk_url(case)}
    to = case.owner.email if case.owner else settings.SUPPORT_EMAIL
    key = f"claim:{claim.pk}:unanswered:{at:%Y%m%dT%H%M%S}"
    return send("claims/unanswered", to, context, key=key, at=at, about=about(case))


def withdrawn(claim: Claim, *, at: datetime) -> OutgoingMail | None:
    """Confirms to the customer that the claim is over."""
    return _to_customer("claims/withdrawn", claim, key=f"claim:{claim.pk}:withdrawn:{claim.case.revision}", at=at)


def link_again(claim: Claim, *, at: datetime) -> OutgoingMail | None:
    """The tracking link once more, to the address on file; at most one an hour."""
    return _to_customer("claims/link", claim, key=f"claim:{claim.pk}:link:{at:%Y-%m-%dT%H}", at=at)


def _to_customer(name: str, claim: Claim, *, key: str, at: datetime) -> OutgoingMail | None:
    return to_customer(name, claim.case, _context(claim), key=key, at=at, is_automatic=True)


def _to_staff(name: str, claim: Claim, message: CaseMessage, *, at: datetime) -> OutgoingMail:
    case = claim.case
    context = _context(claim) | {
        "body": message.body,
        "email": case.email,
        "admin_url": desk_url(claim.case),
    }
    to = case.owner.email if case.owner else settings.SUPPORT_EMAIL
    return send(name, to, context, key=f"claim:{claim.pk}:staff:{message.pk}", at=at, about=about(case))


def _context(claim: Claim) -> dict[str, Any]:
    return context_of(claim.case) | {
        "account_name": claim.case.account_name,
        "plan": claim.plan.name,
        "month": claim.month,
        "incident_at": claim.incident_at,
        "is_whole_day": claim.is_whole_day,
        "description": claim.description,
        "eligibility": claim.eligibility,
        "files": [file.name for file in claim.case.files.all()],
    }
