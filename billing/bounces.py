"""A reminder that did not arrive: the case is flagged, and the next address of the account is tried."""

from datetime import datetime

from billing import emails
from billing.cases import flag_case
from billing.models import DunningEmail, DunningStep, Flag
from levqor.mail.models import OutgoingMail


def answer_bounce(mail: OutgoingMail, *, at: datetime) -> None:
    """Flags every case that the mail spoke of, so that none suspends by itself, and sends it to another contact."""
    told = list(DunningEmail.objects.filter(mail=mail, step__isnull=False).select_related("failure__account", "step"))
    if not told:
        return
    for row in told:
        flag_case(row.failure, Flag.BOUNCED, at=at)
    steps = [row.step for row in told if row.step and row.failure.is_unsettled]
    address = emails.working_address(told[0].failure.account)
    if steps and address and address.lower() != mail.to_email.lower():
        _send_to(address, steps, mail, at=at)


def _send_to(address: str, steps: list[DunningStep], bounced: OutgoingMail, *, at: datetime) -> None:
    again = emails.reminder(steps, at=at, to=address, key=f"{bounced.key}:after-bounce"[:200])
    OutgoingMail.objects.filter(pk=again.pk).update(is_driven_by_flow=False)
    for step in steps:
        DunningEmail.objects.get_or_create(
            failure=step.failure,
            mail=again,
            defaults={"user": step.failure.user, "step": step, "email_type": f"day_{step.offset_days}"},
        )
