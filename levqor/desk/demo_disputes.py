"""Disputes that look alive: one nobody has yet, one that waits for the customer, one answered, one formal complaint."""

from datetime import datetime

from disputes import answering
from disputes.filing import Statement, file_dispute
from disputes.models import Dispute, Stage
from levqor.accounts.models import User
from levqor.cases.intake import Sender
from levqor.cases.models import Source
from levqor.lib.actors import staff

DISPUTES = [
    ("Chris Customer", "customer@levqor.test", "Demo Ltd", "billing", Stage.SUPPORT, "Charged twice in November"),
    ("Rosa Fern", "rosa@fernhill.levqor.test", "Fernhill Bakery", "service", Stage.SUPPORT, "Jobs start an hour late"),
    ("Noor Haddad", "noor@harbour.levqor.test", "Harbour Freight", "sla", Stage.ESCALATION, "The credit is too small"),
    (
        "Jo Brandt",
        "jo@brandt.levqor.test",
        "Brandt Logistik",
        "contract",
        Stage.COMPLAINT,
        "The build was not finished",
    ),
]


def make_disputes(*, at: datetime) -> None:
    if Dispute.objects.exists():
        return
    disputes = [_file(facts, at=at) for facts in DISPUTES]
    support = staff(User.objects.get(email="support@levqor.test"))
    for dispute in disputes[1:]:
        answering.take_up(dispute, by=support, at=at)
    answering.ask(disputes[1], "Which workflow is it, and since when?", by=support, at=at)
    answering.answer(disputes[2], "We have counted the minutes again: the credit is right.", by=support, at=at)
    answering.note(disputes[3], "Ask the builder for the handover list first.", by=support, at=at)


def _file(facts: tuple[str, str, str, str, Stage, str], *, at: datetime) -> Dispute:
    name, email, account, category, stage, subject = facts
    sender = Sender(name, email, account, Source.PAGE, network="192.0.2.8")
    words = f"{subject}. Please look at it and tell us what you make of it."
    return file_dispute(Statement(category, subject, words, "", (), stage), sender, at=at)[0]
