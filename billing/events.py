"""What the mail room tells us about mails of ours."""

from datetime import datetime

from billing.bounces import answer_bounce
from billing.models import DunningEmail
from levqor.lib.events import on
from levqor.mail.models import OutgoingMail


@on("mail.sent")
def note_when_it_was_sent(*, mail: OutgoingMail, at: datetime) -> None:
    DunningEmail.objects.filter(mail=mail, sent_at=None).update(sent_at=mail.sent_at)


@on("mail.opened")
def note_when_it_was_opened(*, mail: OutgoingMail, at: datetime) -> None:
    DunningEmail.objects.filter(mail=mail, opened_at=None).update(opened_at=at)


@on("mail.clicked")
def note_when_it_was_clicked(*, mail: OutgoingMail, at: datetime) -> None:
    DunningEmail.objects.filter(mail=mail, clicked_at=None).update(clicked_at=at)


@on("mail.bounced", "mail.complained", "mail.failed")
def try_another_contact(*, mail: OutgoingMail, at: datetime) -> None:
    answer_bounce(mail, at=at)
