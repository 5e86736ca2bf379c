"""What the mail room tells us about mails of ours."""

from datetime import datetime

from billing.models import DunningEmail
from billing.notices import want_replacements
from levqor.lib.events import on
from levqor.mail.models import OutgoingMail


@on("mail.sent")
def note_when_it_was_sent(*, mail: OutgoingMail, at: datetime) -> None:
    DunningEmail.objects.filter(mail=mail, sent_at=None).update(sent_at=mail.sent_at)


@on("mail.opened")
def note_when_it_was_opened(*, mail: OutgoingMail, at: datetime) -> None:
    DunningEmail.objects.filter(mail=mail).update(opened_at=mail.opened_at)


@on("mail.clicked")
def note_when_it_was_clicked(*, mail: OutgoingMail, at: datetime) -> None:
    DunningEmail.objects.filter(mail=mail).update(clicked_at=mail.clicked_at)


@on("mail.bounced", "mail.complained", "mail.failed")
def try_another_contact(*, mail: OutgoingMail, at: datetime) -> None:
    want_replacements(mail, at=at)
