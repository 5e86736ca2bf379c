"""The mails of a dispute: to the customer at each step, and to whoever of us has it.

Nobody has confirmed the customer's address, so what goes there by itself holds our words, the reference, dates and the link,
and nothing that the sender could choose: else we would carry anybody's advertisement to anybody. Their own words stand on
the tracking page.
"""

from datetime import datetime
from typing import Any

from disputes.models import Category, Dispute, Letter, Stage
from disputes.stages import STEP_OF, address_of
from levqor.cases.emails import context_of, to_customer
from levqor.cases.models import CaseMessage, Deadline
from levqor.cases.models.deadline import answer_date
from levqor.cases.tracking import desk_url
from levqor.mail.models import LINK_HIDDEN, OutgoingMail
from levqor.mail.outbox import about, send
from levqor.mail.rendering import RenderedMail, render


def received(dispute: Dispute, *, at: datetime) -> OutgoingMail | None:
    """The acknowledgement: reference, dates, link. None where a mail could start a loop."""
    return _by_itself("disputes/received", dispute, key=f"dispute:{dispute.pk}:received", at=at)


def announced(dispute: Dispute, *, at: datetime) -> OutgoingMail:
    """Tells the mailbox of its stage that a dispute came in, and by when it has to be answered."""
    more = {
        "body": dispute.description,
        "tickets": dispute.ticket_numbers,
        "desired_resolution": dispute.desired_resolution,
        "files": [file.name for file in dispute.case.files.public()],
    }
    return _to_staff("disputes/announced", dispute, more, key=f"dispute:{dispute.pk}:announced", at=at)


def customer_wrote(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail:
    """Tells whoever has the dispute, or the mailbox of its stage, that the customer wrote."""
    key = f"dispute:{dispute.pk}:staff:{message.pk}"
    return _to_staff("disputes/customer_wrote", dispute, {"body": message.body}, key=key, at=at)


def replied(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """What staff wrote on the way."""
    return _with_message("disputes/replied", dispute, message, at=at)


def asked(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """What staff need to know before they answer."""
    return _with_message("disputes/asked", dispute, message, at=at)


def answered(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """Our answer at this stage, and what the customer can do with it."""
    return _with_message("disputes/answered", dispute, message, at=at)


def resolved(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """How it ended and why, and that the next stage stays open."""
    return _with_message("disputes/resolved", dispute, message, at=at)


def reopened(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """That we look at it again, and by when they hear from us."""
    return _with_message("disputes/reopened", dispute, message, at=at)


def reminded(dispute: Dispute, deadline: Deadline, *, at: datetime) -> OutgoingMail | None:
    """That we still wait for an answer, once for each time that we asked."""
    key = f"dispute:{dispute.pk}:reminded:{deadline.waiting_since:%Y%m%dT%H%M%S}"
    return _by_itself("disputes/reminded", dispute, key=key, at=at)


def unanswered(dispute: Dispute, *, at: datetime) -> OutgoingMail:
    """Tells whoever has it that the customer was silent and the clock runs again."""
    return _to_staff(
        "disputes/unanswered", dispute, {}, key=f"dispute:{dispute.pk}:unanswered:{at:%Y%m%dT%H%M%S}", at=at
    )


def closed(dispute: Dispute, *, at: datetime) -> OutgoingMail | None:
    """That we heard nothing on our answer, so it is closed, and that they can still go on."""
    return _by_itself("disputes/closed", dispute, key=f"dispute:{dispute.pk}:closed:{at:%Y%m%dT%H%M%S}", at=at)


def final_response(dispute: Dispute, letter: Letter, *, at: datetime) -> OutgoingMail | None:
    """That the final response is on the page. The letter quotes what the sender typed, so it does not come along."""
    return to_customer("disputes/final_response", dispute.case, context(dispute), key=f"letter:{letter.pk}", at=at)


def time_limit(dispute: Dispute, letter: Letter, *, at: datetime) -> None:
    """That we did not decide in time and nobody has to wait; and the same to whoever has it."""
    _by_itself("disputes/time_limit", dispute, key=f"letter:{letter.pk}", at=at)
    _to_staff("disputes/time_limit_passed", dispute, {}, key=f"letter:{letter.pk}:staff", at=at)


def preview(name: str, dispute: Dispute, body: str, *, at: datetime) -> RenderedMail:
    """The mail as it would go, without the customer's own link."""
    own = {"body": body, "tracking_url": LINK_HIDDEN, "answer_by": answer_date(at)}
    return render(name, context(dispute) | own)


def _with_message(name: str, dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail | None:
    """A person of the staff wrote it, so no loop is to be feared."""
    more = {"body": message.body, "has_files": message.files.exists()}
    key = f"dispute:{dispute.pk}:message:{message.pk}"
    return to_customer(name, dispute.case, context(dispute) | more, key=key, at=at)


def withdrawn(dispute: Dispute, *, at: datetime) -> None:
    """Confirms to the customer that it is over, and tells whoever has it."""
    _by_itself("disputes/withdrawn", dispute, key=f"dispute:{dispute.pk}:withdrawn", at=at)
    _to_staff("disputes/customer_withdrew", dispute, {}, key=f"dispute:{dispute.pk}:withdrew", at=at)


def moved_up(dispute: Dispute, before: str, *, at: datetime, why: str = "") -> OutgoingMail | None:
    """Tells the customer at which stage it is now, by when they hear from us, and why where we moved it."""
    more = {"before": before, "is_outside": dispute.stage == Stage.EXTERNAL, "body": why}
    return _by_itself("disputes/moved_up", dispute, more, key=f"dispute:{dispute.pk}:moved_up:{dispute.stage}", at=at)


def escalated(dispute: Dispute, message: CaseMessage, *, at: datetime) -> OutgoingMail:
    """Tells the mailbox of the new stage, and whoever has it, that the customer took it there."""
    key = f"dispute:{dispute.pk}:escalated:{dispute.stage}"
    return _to_staff("disputes/escalated", dispute, {"body": message.body}, key=key, at=at, is_for_stage=True)


def accepted(dispute: Dispute, *, at: datetime) -> OutgoingMail:
    key = f"dispute:{dispute.pk}:accepted:{at:%Y%m%dT%H%M%S}"
    return _to_staff("disputes/accepted", dispute, {}, key=key, at=at)


def link_again(dispute: Dispute, *, at: datetime) -> OutgoingMail | None:
    """The tracking link once more, to the address on file; at most one an hour."""
    return _by_itself("disputes/link", dispute, key=f"dispute:{dispute.pk}:link:{at:%Y-%m-%dT%H}", at=at)


def _by_itself(
    name: str, dispute: Dispute, more: dict[str, Any] | None = None, *, key: str, at: datetime
) -> OutgoingMail | None:
    return to_customer(name, dispute.case, context(dispute) | (more or {}), key=key, at=at, is_automatic=True)


def _to_staff(
    name: str, dispute: Dispute, more: dict[str, Any], *, key: str, at: datetime, is_for_stage: bool = False
) -> OutgoingMail:
    case = dispute.case
    told = context(dispute) | {
        "name": case.full_name,
        "email": case.email,
        "account": str(case.account) if case.account else "",
        "account_name": case.account_name,
        "category_label": dispute.get_category_display(),
        "dispute_subject": dispute.subject,
        "admin_url": desk_url(case),
    }
    # A new stage is somebody else's matter than the owner's.
    to = case.owner.email if case.owner and not is_for_stage else address_of(dispute.stage)
    return send(name, to, told | more, key=key, at=at, about=about(case))


def context(dispute: Dispute) -> dict[str, Any]:
    """What every mail to a customer names: nothing of what they typed."""
    shared = context_of(dispute.case)
    del shared["name"]
    step = STEP_OF.get(Stage(dispute.stage))
    return shared | {
        "stage_label": dispute.get_stage_display(),
        "who": step.who[:1].lower() + step.who[1:] if step else "",
        "is_privacy": dispute.category == Category.PRIVACY,
        "next_stage": dispute.next_stage.label if dispute.next_stage else "",
    }
