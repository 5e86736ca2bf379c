"""What this room does when it, or the mail room, reports something."""

from datetime import datetime

from levqor.lib.actors import MAIL
from levqor.lib.events import on
from levqor.lib.nudge import nudge
from levqor.mail.models import OutgoingMail
from status import emails
from status.hooks import announce_update
from status.models import Incident, IncidentUpdate, Subscriber, SubscriberState
from status.subscriptions import NOTICES_TASK, end, plan_notices


@on("incident.updated")
def tell_subscribers(*, update: IncidentUpdate, at: datetime) -> None:
    if plan_notices(update):
        nudge(NOTICES_TASK)
    if update.deliver_notifications:
        announce_update(update, at=at)


@on("incident.drafted")
def tell_staff(*, incident: Incident, at: datetime) -> None:
    emails.incident_drafted(incident, at=at)


@on("mail.bounced", "mail.complained")
def stop_writing(*, mail: OutgoingMail, at: datetime) -> None:
    if mail.name.startswith("status/"):
        for subscriber in Subscriber.objects.filter(email__iexact=mail.to_email):
            end(subscriber, by=MAIL, at=at, state=SubscriberState.BOUNCED)
