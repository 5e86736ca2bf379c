"""Claims that look alive: one nobody has yet, one in review with a conversation, one that waits for the customer."""

from datetime import datetime, timedelta
from uuid import uuid4

from claims import answering, customer
from claims.filing import Statement, file_claim
from claims.forms import IncidentTime
from claims.models import Claim
from levqor.accounts.models import Plan, User
from levqor.cases.intake import Sender
from levqor.cases.models import Source
from levqor.lib.actors import CUSTOMER, staff

CLAIMS = [
    (
        "Chris Customer",
        "customer@levqor.test",
        "Demo Ltd",
        "growth",
        1,
        "No workflow ran from two to four.",
    ),
    (
        "Rosa Fern",
        "rosa@fernhill.levqor.test",
        "Fernhill Bakery",
        "starter",
        9,
        "The dashboard answered with errors.",
    ),
    (
        "Noor Haddad",
        "noor@harbour.levqor.test",
        "Harbour Freight",
        "pro",
        16,
        "Jobs hung, so invoices left a day late.",
    ),
]


def make_claims(*, at: datetime) -> None:
    if Claim.objects.exists():
        return
    claims = [_file(facts, at=at) for facts in CLAIMS]
    support = staff(User.objects.get(email="support@levqor.test"))
    for claim in claims[1:]:
        answering.take_up(claim, by=support, at=at)
    answering.note(claims[1], "Compare with the incident of that day before answering.", by=support, at=at)
    customer.write(claims[1], "It was from about 8 to 11.", [], submission=uuid4(), by=CUSTOMER, at=at)
    answering.ask_customer(
        claims[2], "Which workflow was it, and what is the earliest job that hung?", by=support, at=at
    )


def _file(facts: tuple[str, str, str, str, int, str], *, at: datetime) -> Claim:
    name, email, account, plan, days_ago, words = facts
    incident = IncidentTime(at - timedelta(days=days_ago), is_whole_day=False)
    sender = Sender(name, email, account, Source.PAGE, network="192.0.2.7")
    return file_claim(Statement(Plan.objects.get(slug=plan), incident, words), sender, at=at)[0]
