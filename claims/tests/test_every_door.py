"""Every state of a claim at every door: what each person may do there, what becomes of the claim, and what is refused.

The tables are written by hand from what was agreed and not from the code. A column is a state. A cell says where the claim
stands afterwards, `=` that the deed is done and the claim stands as before, `.` that it is refused and nothing moves.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from claims.models import Claim
from claims.tasks import draft_credits, follow_up, send_credits
from claims.tests.make import NOW, claim_body, post_claim
from claims.tests.make_money import measure_october, staff
from claims.tests.make_states import STATES, World, make_world
from levqor.accounts.models import User
from levqor.cases.models import Case
from levqor.cases.tasks import forget_old_cases, warn_of_due_cases
from levqor.cases.tracking import tracking_token
from levqor.desk.tests.make import make_admin, make_staff, signed_in
from testing.inner_stripe import InnerStripe

pytestmark = pytest.mark.django_db
QUEUE = "/admin/claims/claim/"

# dr drafted, di dismissed, rc received, rv in review, wt waiting, pr proposed, ap approved, cr crediting, bh by hand,
# un unknown, cd credited, rs reversed, rj rejected, wd withdrawn

BY_STAFF = """
                dr  di  rc  rv  wt  pr  ap  cr  bh  un  cd  rs  rj  wd
take            .   .   rv  =   =   =   .   .   .   .   .   .   .   .
propose         pr  .   .   pr  .   .   .   .   .   .   .   .   .   .
approve         .   .   .   .   .   ap  .   .   .   .   .   .   .   .
send-back       .   .   .   .   .   rv  .   .   .   .   .   .   .   .
take-back       .   .   .   .   .   .   .   .   .   .   .   .   .   .
refuse          .   .   .   rj  rj  .   .   .   .   .   .   .   .   .
ask             .   .   .   wt  .   .   .   .   .   .   .   .   .   .
reply           .   .   =   =   =   =   =   =   =   =   =   =   =   =
note            =   =   =   =   =   =   =   =   =   =   =   =   =   =
assign          .   .   =   =   =   =   .   .   .   .   .   .   .   .
tie             .   .   =   =   =   .   .   .   .   .   .   .   .   .
by-hand         .   .   .   .   .   .   .   .   cd  .   .   .   .   .
found           .   .   .   .   .   .   .   .   .   cd  .   .   .   .
not-at-stripe   .   .   .   .   .   .   .   .   .   bh  .   .   .   .
try-again       .   .   .   .   .   .   .   .   cr  .   .   .   .   .
reverse         .   .   .   .   .   .   .   .   .   .   =   .   .   .
erase           .   =   .   .   .   .   .   .   .   .   =   =   =   =
"""
IN_BULK = """
                dr  di  rc  rv  wt  pr  ap  cr  bh  un  cd  rs  rj  wd
take            .   .   rv  =   =   =   .   .   .   .   .   .   .   .
share_out       .   .   =   =   =   =   .   .   .   .   .   .   .   .
ask             .   .   wt  wt  .   .   .   .   .   .   .   .   .   .
duplicate       .   .   rj  rj  rj  .   .   .   .   .   .   .   .   .
"""
IN_BATCHES = """
                dr  di  rc  rv  wt  pr  ap  cr  bh  un  cd  rs  rj  wd
propose         pr  .   .   .   .   .   .   .   .   .   .   .   .   .
approve         .   .   .   .   .   ap  .   .   .   .   .   .   .   .
"""
BY_THE_LINK = """
                dr  di  rc  rv  wt  pr  ap  cr  bh  un  cd  rs  rj  wd
write           .   .   =   =   rv  =   .   .   .   .   .   .   .   .
again           .   .   .   .   .   .   .   .   .   .   .   .   rv  .
withdraw        .   .   wd  wd  wd  wd  .   .   .   .   .   .   .   .
"""
BY_ITSELF = """
                dr  di  rc  rv  wt  pr  ap  cr  bh  un  cd  rs  rj  wd
send            =   =   =   =   =   =   cd  cd  =   =   =   =   =   =
draft           =   =   =   =   =   =   =   =   =   =   =   =   =   =
draft-nothing   di  =   =   =   =   =   =   =   =   =   =   =   =   =
follow          =   =   =   =   =   =   =   =   =   =   =   =   =   =
follow-later    =   =   =   =   rv  =   =   =   =   =   =   =   =   =
warn            =   =   =   =   =   =   =   =   =   =   =   =   =   =
forget          =   =   =   =   =   =   =   =   =   =   =   =   =   =
recompute       =   =   =   =   =   =   =   =   =   =   =   =   =   =
"""
MAY = {
    "Support": {"take", "propose", "take-back", "refuse", "ask", "reply", "note", "assign", "tie"},
    "Finance": {"approve", "send-back", "by-hand", "found", "not-at-stripe", "try-again", "reverse"},
    "Read-only": set[str](),
    "superuser": {line.split()[0] for line in BY_STAFF.splitlines()[2:]},
}
REFUSALS = {
    "take": "{claim} waits for no decision, so nobody has to have it.",
    "assign": "{claim} waits for no decision, so nobody has to have it.",
    "share_out": "{claim} waits for no decision, so nobody has to have it.",
    "propose": "{claim} is {state} and cannot become proposed.",
    "refuse": "{claim} is {state} and cannot become rejected.",
    "duplicate": "{claim} is {state} and cannot become rejected.",
    "ask": "{claim} is {state} and cannot become waiting.",
    "approve": "There is nothing to approve here any more.",
    "send-back": "There is nothing to approve here any more.",
    "take-back": "There is nothing to approve here any more.",
    "reply": "{claim} is a draft of ours, of which the customer knows nothing.",
    "tie": "The account of {claim} can be changed only before a credit is proposed.",
    "by-hand": "The credit is not in that state any more.",
    "found": "The credit is not in that state any more.",
    "not-at-stripe": "The credit is not in that state any more.",
    "try-again": "The credit is not in that state any more.",
    "reverse": "Only a credit that the customer has can be taken back.",
    "write": "This claim is closed, so your message was not sent.",
    "again": "Only a claim that was not granted can be decided anew, so your message was not sent.",
}
# Erasing is refused for one of two reasons.
OPEN_STATES = {"dr", "rc", "rv", "wt", "pr"}


def rows_of(table: str) -> list[tuple[str, dict[str, str]]]:
    head, *lines = [line.split() for line in table.strip().splitlines()]
    assert head == list(STATES)
    return [(name, dict(zip(head, cells, strict=True))) for name, *cells in lines]


def refusal(verb: str, code: str, claim: Claim) -> str:
    if verb == "erase":
        return f"{claim} is not closed" if code in OPEN_STATES else "Its credit is under way"
    if verb == "take-back" and code == "pr":
        return "Only whoever proposed it takes it back; others send it back."
    return REFUSALS[verb].format(claim=claim, state=STATES[code])


@pytest.fixture
def world(inner: InnerStripe) -> Iterator[World]:
    """One claim in each state, each of an account of its own."""
    with time_machine.travel(NOW, tick=False):
        yield make_world(inner)


def person(role: str) -> tuple[User, Client]:
    user = make_admin() if role == "superuser" else make_staff(role)
    return user, signed_in(user)


def stands(claim: Claim) -> str:
    return Claim.objects.get(pk=claim.pk).status


def expected(code: str, cell: str) -> str:
    return STATES[code if cell in "=." else cell]


def answers(claim: Claim, user: User) -> dict[str, Any]:
    """All that any verb asks for."""
    return {
        "words": "Because.",
        "revision": Case.objects.get(pk=claim.case_id).revision,
        "reference": "cbtxn_found",
        "owner": user.pk,
        "account": str(claim.case.account_id),
    }


@pytest.mark.proof
@pytest.mark.parametrize(
    ("role", "verb", "cells"),
    [(role, *row) for role, verbs in MAY.items() for row in rows_of(BY_STAFF) if row[0] in verbs],
)
def test_staff_who_may(world: World, role: str, verb: str, cells: dict[str, str]) -> None:
    user, client = person(role)
    for code, cell in cells.items():
        claim = world.claims[code]
        response = client.post(f"{QUEUE}{claim.pk}/{verb}/", answers(claim, user))

        assert (response.status_code, stands(claim)) == (200 if cell == "." else 302, expected(code, cell)), code
        if cell == ".":
            assert refusal(verb, code, claim) in str(response.context["form"].non_field_errors()), code


@pytest.mark.proof
@pytest.mark.parametrize("role", ["Support", "Finance", "Read-only", ""])
def test_staff_who_may_not(world: World, role: str) -> None:
    user, client = person(role)
    for verb in MAY["superuser"] - MAY.get(role, set()):
        assert client.get(f"{QUEUE}{world.earlier.pk}/{verb}/").status_code == 403, verb
        for code, claim in world.claims.items():
            response = client.post(f"{QUEUE}{claim.pk}/{verb}/", answers(claim, user))
            assert (response.status_code, stands(claim)) == (403, STATES[code]), (verb, code)


@pytest.mark.parametrize("role", MAY)
def test_the_page_offers_what_is_possible_and_nothing_else(world: World, role: str) -> None:
    _, client = person(role)
    for code, claim in world.claims.items():
        response = client.get(f"{QUEUE}{claim.pk}/change/")

        possible = {verb for verb, cells in rows_of(BY_STAFF) if cells[code] != "."}
        assert {verb.slug for verb in response.context["verbs"]} == possible & MAY[role], code


@pytest.mark.proof
@pytest.mark.parametrize(("deed", "cells"), rows_of(IN_BULK))
@pytest.mark.parametrize("role", MAY)
def test_many_at_once(world: World, role: str, deed: str, cells: dict[str, str]) -> None:
    make_staff("Support") if role != "Support" else None
    _, client = person(role)
    chosen = {"action": f"bulk_{deed}", "_selected_action": [claim.pk for claim in world.claims.values()]}
    Claim.objects.exclude(pk=world.earlier.pk).update(joined_to=world.earlier)
    page = client.post(f"{QUEUE}?state=all", chosen | {"confirmed": "yes", "words": "Because."}).content.decode()

    for code, cell in cells.items():
        claim, is_allowed = world.claims[code], "take" in MAY[role]
        assert stands(claim) == (expected(code, cell) if is_allowed else STATES[code]), code
        if is_allowed and cell == ".":
            assert refusal(deed, code, claim) in page, code


@pytest.mark.proof
@pytest.mark.parametrize(("step", "cells"), rows_of(IN_BATCHES))
@pytest.mark.parametrize("role", MAY)
def test_drafts_in_a_batch(world: World, role: str, step: str, cells: dict[str, str]) -> None:
    _, client = person(role)
    for code, cell in cells.items():
        claim = world.claims[code]
        chosen = claim.pk if step == "propose" else getattr(claim.proposals.first(), "pk", 0)
        response = client.post(f"{QUEUE}{step}-drafts/", {"chosen": [chosen], "words": "We were down."})

        if step not in MAY[role]:
            assert (response.status_code, stands(claim)) == (403, STATES[code]), code
        elif cell == ".":
            assert (response.status_code, stands(claim)) == (200, STATES[code]), code
            assert "Nothing was done" in str(response.context["form"].errors), code
        else:
            assert (response.status_code, stands(claim)) == (302, expected(code, cell)), code


@pytest.mark.parametrize(("deed", "cells"), rows_of(BY_THE_LINK))
def test_whoever_has_the_link(world: World, client: Client, deed: str, cells: dict[str, str]) -> None:
    for code, cell in cells.items():
        claim = world.claims[code]
        page = f"/sla-credits/track/{tracking_token(claim.case)}"
        response = send(client, page, deed)

        assert stands(claim) == expected(code, cell), code
        if cell == "." and deed != "withdraw":
            assert response.status_code == 409, code
            assert refusal(deed, code, claim) in str(response.context["form"].non_field_errors()), code
        else:
            # Withdrawing what is over leads back to the page, which says how it stands.
            assert response.status_code == 303, code


def send(client: Client, page: str, deed: str) -> Any:
    if deed == "withdraw":
        return client.post(f"{page}/withdraw")
    with time_machine.travel(NOW - timedelta(minutes=2), tick=False):
        opened = client.get(f"/sla-credits/track/{page.rpartition('/')[2]}").context["form"].fields["opened"].initial
    return client.post(
        page, {"body": "Please look again.", "opened": opened} | ({"again": "yes"} if deed == "again" else {})
    )


def test_looking_changes_nothing(world: World, client: Client) -> None:
    for code, claim in world.claims.items():
        page = f"/sla-credits/track/{tracking_token(claim.case)}"
        assert client.get(page).status_code == client.head(page).status_code == 200, code
        assert client.get(f"{page}/withdraw").status_code in {200, 303}, code
        assert stands(claim) == STATES[code], code


def test_the_api_takes_claims_in_and_moves_none(world: World, client: Client) -> None:
    reference = post_claim(client).json()["reference"]
    filed = Claim.objects.get(case__reference=reference)
    for code, state in STATES.items():
        Claim.objects.filter(pk=filed.pk).update(status=state)

        again = post_claim(client)
        assert (again.status_code, again.json()["reference"], again.json()["status"]) == (200, reference, state), code
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, "/api/sla/claim", str(claim_body()), content_type="application/json")
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), code
        assert stands(filed) == state, code


@pytest.mark.parametrize(("task", "cells"), rows_of(BY_ITSELF))
def test_what_goes_by_itself(world: World, task: str, cells: dict[str, str]) -> None:
    if task == "draft-nothing":
        measure_october(major=0)
    run_task(task, world)

    assert {code: stands(claim) for code, claim in world.claims.items()} == {
        code: expected(code, cell) for code, cell in cells.items()
    }


def run_task(task: str, world: World) -> None:
    tasks = {
        "send": send_credits,
        "draft": draft_credits,
        "draft-nothing": draft_credits,
        "follow": follow_up,
        "follow-later": follow_up,
        "warn": warn_of_due_cases,
        "forget": forget_old_cases,
    }
    if task != "recompute":
        # Later: three weeks, after which no answer is waited for any more.
        with time_machine.travel(NOW + timedelta(days=21 if task == "follow-later" else 0), tick=False):
            tasks[task]()
        return
    for claim in world.claims.values():
        # It ends with an error where nothing was decided yet.
        with suppress(Exception, SystemExit):
            call_command("recompute_credit", str(claim))


def test_nobody_approves_what_they_proposed(world: World) -> None:
    claim = world.claims["pr"]
    proposer = User.objects.get(pk=staff("sam").user_id or 0)
    User.objects.filter(pk=proposer.pk).update(is_superuser=True)
    response = signed_in(User.objects.get(pk=proposer.pk)).post(f"{QUEUE}{claim.pk}/approve/", answers(claim, proposer))

    assert "You proposed it, so somebody else has to approve it." in str(response.context["form"].non_field_errors())
    assert stands(claim) == "proposed"
