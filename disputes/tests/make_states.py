"""One dispute at each stage in each state that it can have there, as the flows leave it."""

from datetime import timedelta
from typing import Final

from disputes.models import Dispute, DisputeStatus, Stage
from disputes.stages import promise_answer
from disputes.tests.make import NOW
from levqor.accounts.models import User
from levqor.cases.conversation import staff_writes
from levqor.cases.models import Case, Source
from levqor.cases.models.deadline import close_case
from levqor.guard.references import Series, next_reference
from levqor.lib.actors import Actor
from levqor.lib.actors import staff as actor_of

EARLIER: Final = NOW - timedelta(hours=1)
STAGES: Final = {"s": Stage.SUPPORT, "e": Stage.ESCALATION, "c": Stage.COMPLAINT, "x": Stage.EXTERNAL}
STATES: Final = {
    "op": DisputeStatus.OPEN,
    "wt": DisputeStatus.WAITING,
    "an": DisputeStatus.ANSWERED,
    "rs": DisputeStatus.RESOLVED,
    "wd": DisputeStatus.WITHDRAWN,
}


def staff(name: str) -> Actor:
    email = f"{name}@levqor.test"
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, is_staff=True)
    return actor_of(user)


def make_world() -> dict[str, Dispute]:
    """By stage and state: `s.op` is at support and open. Outside of Levqor nothing waits for the customer."""
    return {f"{s}.{t}": make_dispute_in(s, t) for s in STAGES for t in STATES if (s, t) != ("x", "wt")}


def make_dispute_in(stage: str, state: str) -> Dispute:
    case = Case.objects.create(
        series=Series.DISPUTE,
        reference=next_reference(Series.DISPUTE, at=EARLIER),
        source=Source.API,
        full_name="Ada Fern",
        email=f"{stage}.{state}@fern.test",
        submitted_at=EARLIER,
    )
    dispute = Dispute.objects.create(
        case=case,
        category="billing",
        subject="Charged twice",
        description="We were charged twice.",
        stage=STAGES[stage],
        filed_stage=Stage.SUPPORT,
        status=STATES[state],
        outcome="not_agreed" if state == "rs" else "",
    )
    _promises(dispute)
    return Dispute.objects.select_related("case").get(pk=dispute.pk)


def _promises(dispute: Dispute) -> None:
    case = dispute.case
    if dispute.stage != Stage.EXTERNAL:
        deadline = promise_answer(case, Stage(dispute.stage), at=EARLIER)
        if dispute.status == DisputeStatus.WAITING:
            deadline.pause(at=EARLIER)
        if dispute.status == DisputeStatus.ANSWERED:
            deadline.end(at=EARLIER)
    if dispute.status == DisputeStatus.ANSWERED:
        staff_writes(case, "This is our answer.", is_public=True, by=staff("sam"), at=EARLIER)
    if not dispute.is_open:
        close_case(case, at=EARLIER)
