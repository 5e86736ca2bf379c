"""Hundreds of attempts through every fault at Stripe, and ten thousand in a soak: each credit is given exactly once.

Each life of an entry draws its own faults, one after the other, with waits between them that may outlast Stripe's memory
of a key. What is left to a person is done as a person would: they look at Stripe and say what they found.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import copy
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from django.db.models import Sum

from claims import credits
from claims.credits import credited_by_hand, found_at_stripe, not_at_stripe, send_credit, try_again
from claims.models import Approval, Claim, CreditEntry, Proposal
from claims.tests.make import NOW
from claims.tests.make_money import make_account, staff
from levqor.accounts.models import User
from levqor.cases.models import Case, Source
from levqor.guard.references import Series
from levqor.mail.models import OutgoingMail
from testing.fake_stripe import FakeStripe
from testing.inner_stripe import InnerStripe, KilledError, die
from testing.soak import soak_all_but
from testing.stripe_facts import BalanceTransactionFacts

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

# A seed, and how many attempts it plays. The first is a proof, the others make ten thousand together.
RUNS = [(0, 300), (0, 2_500), (1, 2_500), (2, 2_500), (3, 2_500)]
BATCH = 100
# Of so many credits one is reversed afterwards, and one has an address to write to.
REVERSED_OF = 4
MAILED_OF = 20
FORGETS = timedelta(hours=24)


class World:
    """One fake Stripe, one account, and the clock. The fake forgets keys as soon as it may."""

    def __init__(self, inner: InnerStripe, random: Random) -> None:
        self.inner, self.random, self.now = inner, random, NOW
        self.by, self.approver = staff("sam"), staff("finn")
        self.sam, self.finn = (User.objects.get(pk=actor.user_id or 0) for actor in (self.by, self.approver))
        self.account = make_account()
        self.attempts = 0

    @property
    def fake(self) -> FakeStripe:
        return self.inner.fake

    def wait(self, entry: CreditEntry) -> None:
        """Until the entry is due again, or much longer; Stripe forgets a key only when it is a day old."""
        due = (entry.lease_until or entry.next_attempt_at) + timedelta(seconds=1)
        hours = self.random.choice([0, 0, 1, 22.9, 23.1, 23.9, 24, 30])
        self.now = max(due, self.now) + timedelta(hours=hours)
        if entry.first_attempt_at and self.now - entry.first_attempt_at >= FORGETS:
            self.fake.prune_keys()

    def movements(self, entry: CreditEntry) -> list[BalanceTransactionFacts]:
        named = {"levqor_reference": entry.claim.case.reference, "levqor_kind": entry.kind}
        return [facts for facts in self.fake.rows(BalanceTransactionFacts) if facts.metadata == named]


# What may happen to one attempt


def balances(entry: CreditEntry) -> str:
    return f"/v1/customers/{entry.stripe_customer_id}/balance_transactions"


def kill_before(world: World, entry: CreditEntry) -> None:
    world.inner.before = die


def kill_after(world: World, entry: CreditEntry) -> None:
    world.inner.after = die


def cut_after(world: World, entry: CreditEntry) -> None:
    """A line that breaks, or a timeout, after the effect: to the caller they are the same."""
    world.fake.cut_after_effect(path_prefix=balances(entry))


def out_of_reach(world: World, entry: CreditEntry) -> None:
    world.fake.down = True


def fail_without_memory(world: World, entry: CreditEntry) -> None:
    world.fake.fail_next(status=world.random.choice([401, 409, 429, 500, 503]))


def break_before(world: World, entry: CreditEntry) -> None:
    world.fake.break_next(after_effect=False)


def break_after(world: World, entry: CreditEntry) -> None:
    world.fake.break_next(after_effect=True)


def refuse(world: World, entry: CreditEntry) -> None:
    world.fake.fail_next(status=400, type="invalid_request_error", message="No.", path_prefix=balances(entry))


def lose_customer(world: World, entry: CreditEntry) -> None:
    world.fake.delete_customer(entry.stripe_customer_id)


def _overtaken(world: World, entry: CreditEntry) -> Callable[[], object]:
    """The lease runs out while the call is under way, and another worker does the same."""
    second = CreditEntry.objects.select_related("claim__case").get
    return lambda: send_credit(second(pk=entry.pk), at=world.now + timedelta(minutes=6))


def overtake_before(world: World, entry: CreditEntry) -> None:
    world.inner.before = _overtaken(world, entry)


def overtake_after(world: World, entry: CreditEntry) -> None:
    world.inner.after = _overtaken(world, entry)


def nothing(world: World, entry: CreditEntry) -> None:
    """An attempt as it should be."""


FAULTS = [
    *(nothing, nothing, kill_before, kill_after, cut_after, cut_after, out_of_reach, fail_without_memory),
    *(break_before, break_after, refuse, overtake_before, overtake_after),
]
RARE = [lose_customer]


def live(world: World, entry: CreditEntry) -> None:
    """Until it is applied: up to four attempts with faults, then without."""
    world.fake.prune_keys()
    faults = [world.random.choice(FAULTS) for _ in range(world.random.randrange(5))]
    if world.random.random() < 0.02:
        faults.append(world.random.choice(RARE))
    while entry.status != "applied":
        if entry.status in {"by_hand", "unknown"}:
            look_into(world, entry)
        else:
            attempt(world, entry, faults.pop(0) if faults else nothing)
            world.wait(entry)


def attempt(world: World, entry: CreditEntry, fault: Callable[[World, CreditEntry], None]) -> None:
    world.attempts += 1
    fault(world, entry)
    stale = copy(entry)
    with suppress(KilledError):
        send_credit(entry, at=world.now)
    if fault is not nothing:
        # A second worker, with what it read before, comes too late.
        assert not send_credit(stale, at=world.now)
        entry.refresh_from_db(fields=["status", "attempts", "first_attempt_at", "next_attempt_at", "lease_until"])
    world.inner.before = world.inner.after = None
    world.fake.heal()


def look_into(world: World, entry: CreditEntry) -> None:
    """A person looks at Stripe."""
    there = world.movements(entry)
    if entry.status == "by_hand":
        assert not there, "what is left to people was never applied"
        if world.random.random() < 0.5:
            credited_by_hand(entry, external_reference="CN-7", by=world.by, at=world.now)
        else:
            another_try(world, entry)
    elif there:
        found_at_stripe(entry, transaction_id=there[0].id, by=world.by, at=world.now)
    else:
        not_at_stripe(entry, reason="Not there.", by=world.by, at=world.now)


def another_try(world: World, entry: CreditEntry) -> None:
    """Stripe is asked once more, unless the customer is gone there or never had the credit there."""
    claim = Claim.objects.select_related("case__account").get(pk=entry.claim_id)
    account = claim.case.account
    assert account is not None
    account.stripe_customer_id = entry.stripe_customer_id
    account.save(update_fields=["stripe_customer_id"])
    is_gone = world.fake.customer(entry.stripe_customer_id).deleted
    was_by_hand = claim.credit_entries.filter(kind="credit").exclude(external_reference="").exists()
    if is_gone or was_by_hand:
        credited_by_hand(entry, external_reference="CN-8", by=world.by, at=world.now)
    else:
        try_again(entry, by=world.by, at=world.now)


# Rows, many at once


def granted(world: World, numbers: Iterable[int]) -> list[CreditEntry]:
    """Approved credits of random amounts, as deciding leaves them."""
    cases = Case.objects.bulk_create(
        Case(
            series=Series.SLA_CLAIM,
            reference=f"SLA-2026-{number:06d}-T",
            source=Source.API,
            email="ada@fern.test" if number % MAILED_OF == 0 else "",
            account=world.account,
            submitted_at=NOW,
        )
        for number in numbers
    )
    plan = world.account.plan
    assert plan is not None
    claims = Claim.objects.bulk_create(
        Claim(case=case, status="approved", plan=plan, incident_at=NOW, month="2026-10-01", description="x")
        for case in cases
    )
    return [book(world, claim, "credit", world.random.randint(1, 25_000)) for claim in read(claims)]


def read(claims: list[Claim]) -> list[Claim]:
    return list(Claim.objects.select_related("case__account", "plan").filter(pk__in=[claim.pk for claim in claims]))


def book(world: World, claim: Claim, kind: str, amount: int) -> CreditEntry:
    proposal = Proposal.objects.create(
        claim=claim,
        kind=kind,
        status="approved",
        proposer=world.sam,
        proposed_at=NOW,
        amount_cents=amount,
        currency="gbp",
        reason="Down.",
    )
    Approval.objects.create(proposal=proposal, approver=world.finn, proposer=world.sam, approved_at=NOW)
    assert claim.case.account is not None
    claim.case.account.stripe_customer_id = world.fake.add_billed_customer() if kind == "credit" else None
    return credits.book(proposal, by=world.approver, at=world.now)


def reverse_some(world: World, entries: list[CreditEntry]) -> list[CreditEntry]:
    chosen = [entry for number, entry in enumerate(entries) if number % REVERSED_OF == 0]
    amounts = {entry.claim_id: entry.amount_cents for entry in chosen}
    return [book(world, claim, "reversal", amounts[claim.pk]) for claim in read([entry.claim for entry in chosen])]


@pytest.mark.parametrize(("seed", "attempts"), soak_all_but([0], RUNS))
def test_whatever_happens_each_credit_is_given_exactly_once(inner: InnerStripe, seed: int, attempts: int) -> None:
    world = World(inner, Random(seed))
    at_stripe: Counter[str] = Counter()
    for start in count(0, BATCH):
        # The fake walks through all that it holds for every list: a hundred at a time.
        inner.fake.objects.clear()
        world.now = NOW
        entries = granted(world, range(start, start + BATCH))
        for entry in entries:
            live(world, entry)
        for reversal in reverse_some(world, entries):
            live(world, reversal)
        at_stripe += count_movements(world)
        if world.attempts >= attempts:
            break

    check_the_books(at_stripe)


def count_movements(world: World) -> Counter[str]:
    """Pence at Stripe and the number of movements, by kind; no claim has two of a kind."""
    rows = world.fake.rows(BalanceTransactionFacts)
    each = Counter(tuple(facts.metadata.values()) for facts in rows)
    assert set(each.values()) <= {1}
    counted: Counter[str] = Counter()
    for facts in rows:
        assert (facts.amount < 0) == (facts.metadata["levqor_kind"] == "credit")
        counted["credit" if facts.amount < 0 else "reversal"] += abs(facts.amount)
        counted["rows"] += 1
    return counted


def check_the_books(at_stripe: Counter[str]) -> None:
    entries = CreditEntry.objects.all()
    assert not entries.exclude(status="applied").exists()
    by_hand = entries.exclude(external_reference="")
    assert at_stripe["rows"] == entries.exclude(stripe_transaction_id="").count() == entries.count() - by_hand.count()
    for kind in ("credit", "reversal"):
        elsewhere = by_hand.filter(kind=kind).aggregate(sum=Sum("amount_cents"))["sum"] or 0
        approved = Proposal.objects.filter(kind=kind).aggregate(sum=Sum("amount_cents"))["sum"]
        assert at_stripe[kind] + elsewhere == approved > 0
    claims = Claim.objects.count()
    assert Claim.objects.filter(status="reversed").count() == claims / REVERSED_OF
    assert OutgoingMail.objects.filter(name="claims/credited").count() == claims / MAILED_OF
