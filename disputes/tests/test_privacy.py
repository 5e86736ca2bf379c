"""What is said among staff stays there: over random histories no note, and no file of one, reaches mail, page or export."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disputes import answering, customer, letters
from disputes.following_up import follow_up
from disputes.models import Dispute, Outcome
from disputes.tests.make import NOW, make_dispute, track_path
from disputes.tests.make_states import staff
from levqor.cases.conversation import TooManyFilesError
from levqor.cases.files import JudgedFile
from levqor.cases.models import CaseFile
from levqor.cases.privacy import export_person
from levqor.cases.warnings import warn_of_deadlines
from levqor.lib.actors import CUSTOMER
from levqor.lib.states import IllegalMoveError, StaleStateError
from levqor.mail.models import OutgoingMail

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

REFUSALS = (IllegalMoveError, StaleStateError, customer.OverError, TooManyFilesError)
DEEDS = ["note", "reply", "ask", "answer", "move_up", "resolve", "reopen", "letter", "write", "escalate", "accept"]
HISTORY = st.lists(st.tuples(st.sampled_from([*DEEDS, "note", "wait"]), st.integers(1, 60)), min_size=2, max_size=10)


def file(name: str) -> list[JudgedFile]:
    return [JudgedFile(f"{name}.txt", "text/plain; charset=utf-8", name.encode())]


def wait(at: datetime) -> None:
    warn_of_deadlines(at=at)
    follow_up(at=at)


def do(deed: str, dispute: Dispute, word: str, at: datetime) -> None:
    sam, secret, said = staff("sam"), f"SECRET{word}", f"said{word}"
    seen = customer.standing(dispute)
    as_customer: dict[str, Any] = {"by": CUSTOMER, "at": at}
    table: dict[str, Callable[[], object]] = {
        "note": lambda: answering.note(dispute, secret, by=sam, at=at, files=file(secret)),
        "reply": lambda: answering.reply(dispute, said, by=sam, at=at, files=file(said)),
        "ask": lambda: answering.ask(dispute, said, by=sam, at=at),
        "answer": lambda: answering.answer(dispute, said, by=sam, at=at, files=file(said)),
        "move_up": lambda: answering.move_up(dispute, said, by=sam, at=at),
        "resolve": lambda: answering.resolve(dispute, Outcome.PARTLY, said, by=sam, at=at),
        "reopen": lambda: answering.reopen(dispute, said, by=sam, at=at),
        "letter": lambda: letters.issue(dispute, Outcome.PARTLY, said, accepts_boxes=False, by=sam, at=at),
        "write": lambda: customer.write(dispute, said, file(said), submission=uuid4(), **as_customer),
        "escalate": lambda: customer.escalate(dispute, said, [], seen=seen, submission=uuid4(), **as_customer),
        "accept": lambda: customer.accept(dispute, seen=seen, **as_customer),
        "wait": lambda: wait(at),
    }
    table[deed]()


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORY)
def test_a_note_reaches_no_mail_page_or_export(history: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        _play(history)
        transaction.set_rollback(True)


def _play(history: list[tuple[str, int]]) -> None:
    dispute = make_dispute(stage="complaint" if len(history) % 2 else "support")
    at = NOW
    for place, (deed, hours) in enumerate(history):
        at += timedelta(hours=hours)
        dispute = Dispute.objects.select_related("case__account__plan", "case__owner").get(pk=dispute.pk)
        try:
            with transaction.atomic():
                do(deed, dispute, f"{place}x", at)
        except REFUSALS:
            continue
    shown = everything_shown(dispute)
    assert "SECRET" not in shown
    # Nothing public is lost on the way: what was said stands on the page.
    for message in dispute.case.messages.public():
        assert message.body.split("\n")[0] in shown


def everything_shown(dispute: Dispute) -> str:
    """All that a customer ever gets: page, downloads that answer, letters, mails to them, and the export."""
    client, path = Client(), track_path(dispute)
    parts = [client.get(path).content.decode()]
    for stored in CaseFile.objects.filter(case=dispute.case):
        answer = client.get(f"{path}/files/{stored.pk}")
        parts.append(answer.content.decode() if answer.status_code == 200 else "")
    parts += [letter.body for letter in dispute.letters.all()]
    mails = OutgoingMail.objects.filter(to_email=dispute.case.email)
    parts += [f"{mail.subject} {mail.text_body} {mail.html_body} {mail.headers}" for mail in mails]
    return "\n".join([*parts, json.dumps(export_person(dispute.case.email))])
