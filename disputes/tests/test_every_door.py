"""Every stage and state of a dispute at every door: what each person may do there, what becomes of it, what is refused.

The tables are written by hand from what was agreed and not from the code. A row is a deed, a column a state. A cell says in
which state the dispute is afterwards, `^` that it is open one stage up (at the last stage: refused), `=` that the deed is
done and it stands as before, `RS` that it is resolved at the last stages and refused before, `.` that it is refused and
nothing moves.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from disputes.models import Dispute
from disputes.tasks import follow_up
from disputes.tests.make import NOW, dispute_body, opened, post_dispute, track_path
from disputes.tests.make_states import STAGES, STATES, make_world
from levqor.accounts.models import Account, User
from levqor.cases.models import Case, Deadline
from levqor.cases.tasks import forget_old_cases, warn_of_due_cases
from levqor.desk.tests.make import make_admin, make_staff, signed_in

pytestmark = pytest.mark.django_db
QUEUE = "/admin/disputes/dispute/"
UP = {"s": "e", "e": "c", "c": "x"}

BY_STAFF = """
            op  wt  an  rs  wd
take        =   =   =   .   .
answer      an  an  .   .   .
ask         wt  .   .   .   .
reply       =   =   =   =   =
note        =   =   =   =   =
assign      =   =   =   .   .
tie         =   =   =   .   .
move-up     ^   ^   ^   ^   .
resolve     rs  rs  rs  .   .
final-response  RS  RS  RS  .   .
reopen      .   .   .   op  .
erase       .   .   .   =   =
"""
BY_THE_LINK = """
            op  wt  an  rs  wd
write       =   op  op  .   .
escalate    ^   ^   ^   ^   .
accept      .   .   rs  .   .
withdraw    wd  wd  wd  .   .
"""
BY_ITSELF = """
              op  wt  an  rs  wd
follow        =   =   =   =   =
follow-later  =   op  rs  =   =
warn          =   =   =   =   =
forget        =   =   =   =   =
"""
MAY = {
    "Support": {
        "take",
        "answer",
        "ask",
        "reply",
        "note",
        "assign",
        "tie",
        "move-up",
        "resolve",
        "reopen",
        "final-response",
    },
    "Finance": set[str](),
    "Read-only": set[str](),
    "superuser": {line.split()[0] for line in BY_STAFF.splitlines()[2:]},
}

type World = dict[str, Dispute]


def rows_of(table: str) -> list[tuple[str, dict[str, str]]]:
    head, *lines = [line.split() for line in table.strip().splitlines()]
    assert head == list(STATES)
    return [(name, dict(zip(head, cells, strict=True))) for name, *cells in lines]


def place(code: str, cell: str) -> tuple[str, str, bool]:
    """Where it stands afterwards, and whether the deed is done."""
    stage, state = code.split(".")
    # Outside of Levqor there is no next stage, and no clock that could wait.
    if cell == "." or (cell in {"^", "wt"} and stage == "x"):
        return STAGES[stage], STATES[state], False
    if cell == "RS":
        is_last = stage in "cx"
        return STAGES[stage], STATES["rs" if is_last else state], is_last
    if cell == "^":
        return STAGES[UP[stage]], STATES["op"], True
    return STAGES[stage], STATES[state if cell == "=" else cell], True


@pytest.fixture
def world() -> Iterator[World]:
    with time_machine.travel(NOW, tick=False):
        yield make_world()


def person(role: str) -> tuple[User, Client]:
    user = make_admin() if role == "superuser" else make_staff(role)
    return user, signed_in(user)


def stands(dispute: Dispute) -> tuple[str, str]:
    now = Dispute.objects.select_related("case").get(pk=dispute.pk)
    running = Deadline.objects.current_of(now.case)
    # What holds in every state: a promise runs where something is due, and only there; what is over is closed.
    assert (running is not None) == (now.status in {"open", "waiting"} and now.stage != "external"), now
    assert (running is not None and running.waiting_since is not None) <= (now.status == "waiting"), now
    assert (now.case.closed_at is not None) == (now.status in {"resolved", "withdrawn"}), now
    assert running is None or running.purpose == now.stage
    return now.stage, now.status


def answers(dispute: Dispute, user: User) -> dict[str, Any]:
    """All that any verb asks for."""
    account, _ = Account.objects.get_or_create(name="Fern")
    return {
        "words": "Because.",
        "revision": Case.objects.get(pk=dispute.case_id).revision,
        "outcome": "partly",
        "owner": user.pk,
        "account": str(account.pk),
    }


@pytest.mark.proof
@pytest.mark.parametrize(
    ("role", "verb", "cells"),
    [(role, *row) for role, verbs in MAY.items() for row in rows_of(BY_STAFF) if row[0] in verbs],
)
def test_staff_who_may(world: World, role: str, verb: str, cells: dict[str, str]) -> None:
    user, client = person(role)
    for code, dispute in world.items():
        stage, state, is_done = place(code, cells[code[2:]])
        response = client.post(f"{QUEUE}{dispute.pk}/{verb}/", answers(dispute, user))

        assert (response.status_code, stands(dispute)) == (302 if is_done else 200, (stage, state)), code
        assert is_done or response.context["form"].non_field_errors(), code


@pytest.mark.proof
@pytest.mark.parametrize("role", ["Support", "Finance", "Read-only", ""])
def test_staff_who_may_not(world: World, role: str) -> None:
    user, client = person(role)
    for verb in MAY["superuser"] - MAY.get(role, set()):
        assert client.get(f"{QUEUE}{world['c.op'].pk}/{verb}/").status_code == 403, verb
        for code, dispute in world.items():
            before = stands(dispute)
            response = client.post(f"{QUEUE}{dispute.pk}/{verb}/", answers(dispute, user))
            assert (response.status_code, stands(dispute)) == (403, before), (verb, code)


@pytest.mark.parametrize("role", MAY)
def test_the_page_offers_what_is_possible_and_nothing_else(world: World, role: str) -> None:
    _, client = person(role)
    for code, dispute in world.items():
        response = client.get(f"{QUEUE}{dispute.pk}/change/")

        possible = {verb for verb, cells in rows_of(BY_STAFF) if place(code, cells[code[2:]])[2]}
        assert {verb.slug for verb in response.context["verbs"]} == possible & MAY[role], code


@pytest.mark.parametrize(("deed", "cells"), rows_of(BY_THE_LINK))
def test_whoever_has_the_link(world: World, client: Client, deed: str, cells: dict[str, str]) -> None:
    for code, dispute in world.items():
        stage, state, is_done = place(code, cells[code[2:]])
        response = send(client, track_path(dispute), deed)

        assert (response.status_code, stands(dispute)) == (303 if is_done else 409, (stage, state)), code
        if not is_done:
            assert response.context["form"].non_field_errors(), code


def send(client: Client, page: str, deed: str) -> Any:
    seen = client.get(page).context["dispute"]
    seen = f"{seen.stage}.{seen.status}"
    if deed in {"withdraw", "accept"}:
        return client.post(f"{page}/{deed}", {"seen": seen})
    data = {"body": "Please look again.", "opened": opened(client, page), "seen": seen}
    return client.post(page if deed == "write" else f"{page}/{deed}", data)


@pytest.mark.parametrize("deed", ["accept", "escalate"])
def test_a_deed_on_what_changed_since_is_refused_and_says_so(world: World, client: Client, deed: str) -> None:
    page = track_path(world["s.an"])
    data = {"seen": "support.open", "body": "", "opened": opened(client, page)}
    response = client.post(f"{page}/{deed}", data)

    assert (response.status_code, stands(world["s.an"])) == (409, ("support", "answered"))
    assert "changed since you opened the page" in response.content.decode()


def test_looking_changes_nothing(world: World, client: Client) -> None:
    for code, dispute in world.items():
        before = stands(dispute)
        for deed in ("", "/escalate", "/accept", "/withdraw"):
            assert client.get(track_path(dispute) + deed).status_code in {200, 303}, code
            assert client.head(track_path(dispute) + deed).status_code in {200, 303}, code
        assert stands(dispute) == before, code


def test_the_api_takes_disputes_in_and_moves_none(client: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        reference = post_dispute(client).json()["reference"]
        for state in STATES.values():
            Dispute.objects.update(status=state, outcome="partly" if state == "resolved" else "")

            again = post_dispute(client)
            assert (again.status_code, again.json()["reference"], again.json()["status"]) == (200, reference, state)
            for method in ("GET", "PUT", "PATCH", "DELETE"):
                answer = client.generic(method, "/api/disputes", str(dispute_body()), content_type="application/json")
                assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(("task", "cells"), rows_of(BY_ITSELF))
def test_what_goes_by_itself(world: World, task: str, cells: dict[str, str]) -> None:
    tasks = {"warn": warn_of_due_cases, "forget": forget_old_cases}
    # Later: three weeks, after which no answer is waited for any more.
    with time_machine.travel(NOW + timedelta(days=21 if task == "follow-later" else 0), tick=False):
        tasks.get(task, follow_up)()

    for code, dispute in world.items():
        assert stands(dispute) == place(code, cells[code[2:]])[:2], code
