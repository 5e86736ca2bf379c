from datetime import datetime

from levqor.lib.events import on
from levqor.mail.models import OutgoingMail
from levqor.mail.tracking import apply_waiting


@on("mail.sent")
def apply_early_events(*, mail: OutgoingMail, at: datetime) -> None:
    apply_waiting(mail)
