"""The letters that end our procedure: a decision by a person, and what goes by itself where the promised day has passed.

A letter is written once, as a PDF whose bytes are kept; whoever reads it in years reads the same. What no font of ours can
draw stands there as a box, and whoever writes the letter is told before it is frozen.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from disputes import emails
from disputes.customer import locked
from disputes.models import Dispute, DisputeStatus, Letter, LetterKind, Outcome, Stage
from legal.blocks import Run
from levqor.audit.models import record
from levqor.cases.conversation import staff_writes
from levqor.cases.models import Deadline
from levqor.cases.models.deadline import close_case
from levqor.cases.tracking import private
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.business_time import LONDON
from levqor.lib.states import IllegalMoveError

if TYPE_CHECKING:
    from legal.pdf import Paper

OPEN_TO_YOU: Final = [
    "Alternative dispute resolution: we have not joined a scheme. If you are a business customer, we are willing to try "
    "mediation if both sides agree to it.",
    "The courts: if you are a consumer, those of the part of the United Kingdom in which you live; if you live in the "
    "European Union, you keep the rights that the law of your country gives you and may use the courts there. For business "
    "customers the courts of England and Wales.",
    "Your bank or card issuer: you may ask it for a chargeback, or, if you are an individual who paid by credit card for "
    "something with a cash price of more than £100 and up to £30,000, for help under section 75 of the Consumer Credit Act "
    "1974.",
    "Personal data: the Information Commissioner’s Office, ico.org.uk/make-a-complaint.",
]


def issue(dispute: Dispute, outcome: Outcome, body: str, *, accepts_boxes: bool, by: Actor, at: datetime) -> Letter:
    """The final response: frozen, on the page, announced by mail, and the dispute is resolved with its outcome.

    Raises UnprintableError where signs would be boxes and the author has not accepted that.
    """
    with transaction.atomic():
        now = locked(dispute)
        if not may_issue(now):
            raise IllegalMoveError(f"{now} is not an open complaint without a final response.")
        letter = _freeze(now, LetterKind.DECISION, body, outcome=outcome, accepts_boxes=accepts_boxes, by=by, at=at)
        now.resolve(outcome, by=by, at=at, reason=body)
        close_case(now.case, at=at)
        staff_writes(now.case, body, is_public=True, by=by, at=at)
        emails.final_response(now, letter, at=at)
    return letter


def may_issue(dispute: Dispute) -> bool:
    """At the last of our stages and after it, once."""
    at_the_end = dispute.stage in {Stage.COMPLAINT, Stage.EXTERNAL} and dispute.is_open
    return at_the_end and not dispute.letters.filter(kind=LetterKind.DECISION).exists()


def issue_at_the_time_limit(dispute: Dispute, deadline: Deadline, *, at: datetime) -> Letter | None:
    """Says in writing that the promised day has passed without our decision, so that nobody has to wait for one. None where
    it is not so any more. The dispute stays with us, and our decision is still owed."""
    with transaction.atomic():
        now = locked(dispute)
        running = Deadline.objects.current_of(now.case)
        is_due = running is not None and running.pk == deadline.pk and running.is_overdue(at=at)
        if now.stage != Stage.COMPLAINT or now.status != DisputeStatus.OPEN or not is_due or now.letters.exists():
            return None
        body = time_limit_words(now, deadline.due_date)
        letter = _freeze(now, LetterKind.TIME_LIMIT, body, accepts_boxes=True, by=SYSTEM, at=at)
        now.case.touch()
        emails.time_limit(now, letter, at=at)
    return letter


def time_limit_words(dispute: Dispute, due: date) -> str:
    return (
        f"You made a formal complaint, and we promised you an answer by {due:%A} {due.day} {due:%B %Y}. We have not decided "
        "it by then, and we are sorry.\n\nYou need not wait for our decision: from today you may treat our procedure as "
        "ended and turn to any of the places named below. We go on with your complaint all the same, and write to you again."
    )


class UnprintableError(Exception):
    """Signs that no font of ours can draw, in the text of the letter; the text is fit for people."""

    def __init__(self, signs: Sequence[str]) -> None:
        listed = " ".join(signs[:40])
        super().__init__(
            f"These signs would stand as □ in the PDF, since no font of ours has them: {listed}. The page of the dispute "
            "shows them. Change your words, or tick that boxes are fine."
        )
        self.signs = signs


def _freeze(
    dispute: Dispute,
    kind: LetterKind,
    body: str,
    *,
    outcome: Outcome | None = None,
    accepts_boxes: bool,
    by: Actor,
    at: datetime,
) -> Letter:
    content, boxes = compose(dispute, kind, body, outcome=outcome, at=at)
    if boxes and not accepts_boxes:
        raise UnprintableError(boxes)
    letter = Letter.objects.create(
        dispute=dispute,
        kind=kind,
        outcome=outcome or "",
        body=body,
        author_id=by.user_id,
        issued_at=at,
        pdf=content,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    record("letter.issued", dispute, by=by, at=at, changes={"letter": kind.value, "sha256": letter.sha256})
    return letter


def compose(
    dispute: Dispute, kind: LetterKind, body: str, *, outcome: Outcome | None, at: datetime
) -> tuple[bytes, list[str]]:
    """The PDF of a letter, and the signs in it that stand as boxes."""
    # With its fonts half a second to load, which no process should wait for at its start.
    from legal.pdf import Paper  # noqa: PLC0415

    title = (
        "Final response to your complaint"
        if kind == LetterKind.DECISION
        else "Your complaint: the time limit has passed"
    )
    day = at.astimezone(LONDON)
    paper = Paper(title=f"{title}, {dispute}", footer=f"{title}  ·  {dispute}  ·  {day.day} {day:%B %Y}", made_at=at)
    facts = _facts(dispute, outcome, day)
    texts = [*(value for _, value in facts), dispute.description, dispute.desired_resolution, body]
    boxes = sorted({sign for text in texts for sign in paper.unprintable(_composed(text)) if not sign.isspace()})
    paper.title_line(title)
    paper.facts((name, _composed(value)) for name, value in facts)
    _section(paper, "What you told us", dispute.description)
    if dispute.desired_resolution:
        _section(paper, "What would put it right for you", dispute.desired_resolution)
    _section(paper, "What we decided, and why" if outcome else "What this letter says", body)
    paper.title_line("What is open to you now", size=13.5)
    paper.paragraph([Run("Our own procedure has ended. You do not lose any of these rights by having used it.")])
    for way in OPEN_TO_YOU:
        paper.paragraph([Run(way)], marker="–", depth=1)
    if boxes:
        paper.paragraph(
            [Run("In place of □ stands a sign that this file cannot show; the dispute’s page has it.")], size=9
        )
    paper.paragraph([Run(f"Questions? Write to {settings.COMPLAINTS_EMAIL} and name {dispute}.")])
    return paper.as_bytes(), boxes


def _facts(dispute: Dispute, outcome: Outcome | None, day: datetime) -> list[tuple[str, str]]:
    case = dispute.case
    received = case.submitted_at.astimezone(LONDON)
    rows = [
        ("Reference", case.reference),
        ("Date", f"{day:%A} {day.day} {day:%B %Y}"),
        ("For", ", ".join(part for part in (case.full_name, case.account_name) if part)),
        ("About", f"{dispute.get_category_display()}: {dispute.subject}"),
        ("Received", f"{received.day} {received:%B %Y}"),
        ("Tickets", ", ".join(dispute.ticket_numbers)),
        ("Outcome", LETTER_OUTCOMES[outcome] if outcome else "not decided yet"),
    ]
    return [(name, value) for name, value in rows if value]


LETTER_OUTCOMES: Final = {
    Outcome.AGREED: "We agree with you.",
    Outcome.PARTLY: "We agree with you in part.",
    Outcome.NOT_AGREED: "We do not agree.",
}


def _section(paper: "Paper", title: str, text: str) -> None:
    paper.title_line(title, size=13.5)
    for line in _composed(text).split("\n"):
        if line.strip():
            paper.paragraph([Run(line)])


def _composed(text: str) -> str:
    """Letters with their accents as one sign, which the font has, and no sign that a page cannot show."""
    return "".join(
        sign for sign in unicodedata.normalize("NFC", text) if unicodedata.category(sign) not in {"Cf", "Cs"}
    )


def letter_answer(letter: Letter) -> HttpResponse:
    """The PDF as it was frozen; 404 where it went with the person."""
    if not letter.pdf:
        raise Http404
    headers = {
        "Content-Disposition": content_disposition_header(True, letter.file_name) or "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return private(HttpResponse(bytes(letter.pdf), content_type="application/pdf", headers=headers))
