"""What staff may do on a dispute: one table of verbs, each with its words, its form, its call, and when it makes sense."""

from collections.abc import Callable
from typing import Final

from django import forms

from disputes import answering, letters
from disputes.models import Dispute, DisputeStatus, Outcome, Stage
from levqor.cases import privacy
from levqor.cases.desk_forms import (
    AssignForm,
    DeedForm,
    MessageToCustomerForm,
    NoteForm,
    ReasonToCustomerForm,
    TieForm,
    WordlessForm,
)
from levqor.cases.desk_pages import ERASE, Verb
from levqor.lib.actors import Actor

WORK: Final = "disputes.change_dispute"
# How the customer closes it is theirs to say.
OUTCOMES: Final = [Outcome.AGREED, Outcome.PARTLY, Outcome.NOT_AGREED, Outcome.DUPLICATE]


class ResolveForm(MessageToCustomerForm):
    label = "What we decided, and why"

    outcome = forms.ChoiceField(
        label="How it ends",
        choices=[("", "Choose one"), *((outcome.value, outcome.label) for outcome in OUTCOMES)],
        error_messages={"required": "Choose how it ends."},
    )
    field_order = ["outcome", "words", "attachments"]


class FinalResponseForm(DeedForm):
    label = "What we decided, and why"
    help_text = "It stands in the letter, which is frozen once it is issued."

    outcome = forms.ChoiceField(
        label="How it ends",
        choices=[("", "Choose one"), *((outcome.value, outcome.label) for outcome in OUTCOMES[:3])],
        error_messages={"required": "Choose how it ends."},
    )
    accepts_boxes = forms.BooleanField(label="Signs that our fonts do not have may stand as □", required=False)
    field_order = ["outcome", "words", "accepts_boxes"]


def _in(*statuses: DisputeStatus) -> Callable[[Dispute, Actor], bool]:
    return lambda dispute, by: dispute.status in statuses


OURS: Final = (DisputeStatus.OPEN, DisputeStatus.WAITING)

VERBS: Final[list[Verb[Dispute]]] = [
    Verb(
        "take",
        "Take it up",
        "The dispute is yours: it leaves the unassigned.",
        "The dispute is yours.",
        lambda dispute, form, by, at: answering.take_up(dispute, by=by, at=at),
        lambda dispute, by: dispute.is_open and dispute.case.owner_id != by.user_id,
        WordlessForm,
    ),
    Verb(
        "answer",
        "Answer",
        "Our answer at this stage. The customer accepts it, writes again, or goes to the next stage; where they do none of "
        "it within ten business days, the dispute is closed.",
        "The answer is given.",
        lambda dispute, form, by, at: answering.answer(dispute, form.said, files=form.attached, by=by, at=at),
        _in(*OURS),
        MessageToCustomerForm,
        mail="disputes/answered",
    ),
    Verb(
        "ask",
        "Ask the customer",
        "Our clock stands until the customer writes.",
        "The customer is asked.",
        lambda dispute, form, by, at: answering.ask(dispute, form.said, files=form.attached, by=by, at=at),
        lambda dispute, by: dispute.status == DisputeStatus.OPEN and dispute.stage != Stage.EXTERNAL,
        MessageToCustomerForm,
        mail="disputes/asked",
    ),
    Verb(
        "reply",
        "Reply",
        "A message on the way: the day by which we have to answer stays.",
        "The reply is given.",
        lambda dispute, form, by, at: answering.reply(dispute, form.said, files=form.attached, by=by, at=at),
        lambda dispute, by: True,
        MessageToCustomerForm,
        mail="disputes/replied",
    ),
    Verb(
        "note",
        "Add a note",
        "For staff alone.",
        "The note is kept.",
        lambda dispute, form, by, at: answering.note(dispute, form.said, files=form.attached, by=by, at=at),
        lambda dispute, by: True,
        NoteForm,
    ),
    Verb(
        "assign",
        "Assign",
        "Gives the dispute to somebody else, or back to the queue.",
        "The dispute is assigned.",
        lambda dispute, form, by, at: answering.hand_over(
            dispute,
            to_user_id=form.cleaned_data["owner"].pk if form.cleaned_data["owner"] else None,
            by=by,
            at=at,
            reason=form.said,
        ),
        lambda dispute, by: dispute.is_open,
        AssignForm,
    ),
    Verb(
        "tie",
        "Tie to an account",
        "Says whose dispute it is.",
        "The dispute is tied to the account.",
        lambda dispute, form, by, at: answering.tie(
            dispute, form.cleaned_data["account"], by=by, at=at, reason=form.said
        ),
        lambda dispute, by: dispute.is_open,
        TieForm,
    ),
    Verb(
        "move-up",
        "Move up a stage",
        "To the next stage: ours have a new day by which we answer, after the formal complaint comes what is open outside. "
        "No stage is skipped or gone back.",
        "The dispute is at its next stage.",
        lambda dispute, form, by, at: answering.move_up(dispute, form.said, by=by, at=at),
        lambda dispute, by: dispute.status != DisputeStatus.WITHDRAWN and dispute.next_stage is not None,
        ReasonToCustomerForm,
        is_grave=True,
    ),
    Verb(
        "final-response",
        "Final response",
        "Ends our procedure with a letter: what we decided, why, and what is open to the customer outside. It is frozen "
        "as a PDF, and the dispute is resolved.",
        "The final response is issued.",
        lambda dispute, form, by, at: letters.issue(
            dispute,
            Outcome(form.cleaned_data["outcome"]),
            form.said,
            accepts_boxes=form.cleaned_data["accepts_boxes"],
            by=by,
            at=at,
        ),
        lambda dispute, by: letters.may_issue(dispute),
        FinalResponseForm,
        is_grave=True,
    ),
    Verb(
        "resolve",
        "Resolve",
        "Ends the dispute and says how. The customer may still go to the next stage.",
        "The dispute is resolved.",
        lambda dispute, form, by, at: answering.resolve(
            dispute, Outcome(form.cleaned_data["outcome"]), form.said, files=form.attached, by=by, at=at
        ),
        lambda dispute, by: dispute.is_open,
        ResolveForm,
        is_grave=True,
        mail="disputes/resolved",
    ),
    Verb(
        "reopen",
        "Take up again",
        "The dispute is with us again at its stage, with a new day by which we answer.",
        "The dispute is with us again.",
        lambda dispute, form, by, at: answering.reopen(dispute, form.said, by=by, at=at),
        _in(DisputeStatus.RESOLVED),
        ReasonToCustomerForm,
        mail="disputes/reopened",
    ),
    Verb(
        "erase",
        "Erase the person",
        "Takes the person’s data out of this closed dispute for good: name, address, words, files, mails. Reference, stages "
        "and outcome stay.",
        "The person’s data is erased.",
        lambda dispute, form, by, at: privacy.erase_case(dispute.case, by=by, at=at, reason=form.said),
        lambda dispute, by: bool(dispute.case.closed_at) and not dispute.case.erased_at,
        permission=ERASE,
        is_grave=True,
    ),
]
