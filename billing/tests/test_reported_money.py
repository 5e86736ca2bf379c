"""Reported faults of money and debt: what is right for each, with the bodies that were sent."""

import pytest

from billing import reports
from billing.dunning import run_dunning_job
from billing.models import PaymentFailure
from billing.tests.make import Scene
from billing.tests.told import Json, invoice, line, november, paid, price_plans, subscription, tell, tell_failure
from levqor.accounts.models import Account
from levqor.mail.models import OutgoingMail

PRORATION = [line(-500, "Unused time on Starter", "price_starter"), line(3000, "Remaining time on Pro", "price_pro")]


def case(invoice_id: str = "in_told") -> PaymentFailure:
    return PaymentFailure.objects.select_related("account", "policy").get(invoice_id=invoice_id)


def names() -> list[str]:
    return list(OutgoingMail.objects.order_by("created_at").values_list("name", flat=True))


def all_words() -> str:
    fields = OutgoingMail.objects.values_list("subject", "text_body", "html_body")
    return "\n".join(part for row in fields for part in row)


# 01: which plan it is


@pytest.mark.parametrize("lines", [PRORATION, PRORATION[::-1]])
def test_the_plan_is_the_one_that_is_charged_and_not_the_one_that_is_credited(
    scene: Scene, lines: list[object]
) -> None:
    price_plans()
    found = tell_failure(billing_reason="subscription_update", lines={"object": "list", "data": lines})

    run_dunning_job(at=november(3))

    assert found.plan_name == "Pro"
    assert set(found.steps.values_list("plan", flat=True)) == {"Pro"}
    assert "Pro" in all_words()
    assert "Starter" not in all_words()


@pytest.mark.parametrize("lines", [PRORATION, PRORATION[::-1], PRORATION[:1]])
def test_the_text_of_a_credit_is_never_what_is_charged(scene: Scene, lines: list[object]) -> None:
    found = tell_failure(billing_reason="subscription_update", lines={"object": "list", "data": lines})

    run_dunning_job(at=november(3))

    assert found.plan_name in {"Remaining time on Pro", ""}
    assert "Unused" not in all_words()


# 08: each invoice by itself


@pytest.mark.parametrize("latest", ["in_later", ""])
def test_a_later_invoice_that_is_paid_says_nothing_of_an_older_one(scene: Scene, latest: str) -> None:
    tell_failure()
    run_dunning_job(at=november(3))

    tell("invoice.paid", paid("in_later"), at=november(5))
    tell("customer.subscription.updated", subscription("active", latest=latest), at=november(5, 11, 1))

    assert (case().status, case().recovered_cents) == ("open", 0)
    assert case().steps.filter(status="pending").count() == 2
    assert names() == ["billing/first_notice"]


# 09: settled is not paid


CREDITED: Json = {"amount_due": 0, "amount_paid": 0, "amount_remaining": 0, "total": 9900}


def credit_note(amount: int = 9900) -> dict[str, object]:
    parts = {"amount": amount, "pre_payment_amount": amount, "post_payment_amount": 0, "currency": "gbp"}
    return {"id": "cn_told", "object": "credit_note", "invoice": "in_told", "status": "issued", **parts}


@pytest.mark.parametrize("tells_its_notes", [True, False])
@pytest.mark.parametrize("heard", ["both", "note", "invoice"])
def test_a_credit_note_settles_and_brings_in_nothing(scene: Scene, heard: str, tells_its_notes: bool) -> None:
    tell_failure()
    run_dunning_job(at=november(3))

    if heard != "invoice":
        tell("credit_note.created", credit_note(), at=november(5))
    if heard != "note":
        own: Json = {"pre_payment_credit_notes_amount": 9900} if tells_its_notes else {}
        tell("invoice.paid", paid(**CREDITED, **own), at=november(5, 11, 1))

    assert (case().is_unsettled, case().recovered_cents) == (False, 0)
    assert case().account.standing == "active"
    assert sum(row.recovered for row in reports.by_step()) == 0
    assert "has arrived" not in all_words()
    assert "your payment of £99.00" not in all_words()
    assert "has been credited" in all_words()


def test_a_suspended_account_is_back_after_a_credit_note_without_thanks_for_a_payment(scene: Scene) -> None:
    tell_failure()
    for day in (3, 9, 16):
        run_dunning_job(at=november(day))
    tell("credit_note.created", credit_note(), at=november(18))

    last = OutgoingMail.objects.latest("created_at")
    assert (last.name, case().account.standing) == ("billing/restored", "active")
    assert "payment" not in last.subject.lower()
    assert "Thank you" not in last.subject + last.text_body
    assert "has been credited" in last.text_body


# 11: who owes


def test_the_first_invoice_that_is_sent_is_owed_like_any_other(scene: Scene) -> None:
    terms: Json = {
        "collection_method": "send_invoice",
        "due_date": int(november(2, 10).timestamp()),
        "attempt_count": 0,
    }
    tell("invoice.overdue", invoice(billing_reason="subscription_create", **terms), at=november(2, 10, 5))

    assert case().steps.count() == 3


def test_the_first_invoice_that_is_charged_is_at_the_checkout_still(scene: Scene) -> None:
    tell("invoice.payment_failed", invoice(billing_reason="subscription_create"))

    assert not PaymentFailure.objects.exists()


# 13: whoever comes back


def come_back() -> None:
    fresh = subscription("active", subscription_id="sub_new", latest="in_new")
    tell("customer.subscription.created", fresh, at=november(25))
    bought = paid("in_new", subscription="sub_new", billing_reason="subscription_create")
    tell("invoice.paid", bought, at=november(25, 11, 1))


def test_whoever_cancelled_owes_nothing_and_is_not_past_due(scene: Scene) -> None:
    tell_failure()
    run_dunning_job(at=november(3))

    tell("customer.subscription.deleted", subscription("canceled"), at=november(18))
    assert Account.objects.get().standing == "active"
    come_back()

    assert Account.objects.get().standing == "active"
    assert case().status == "closed"


def test_whoever_pays_for_a_new_subscription_is_served_again(scene: Scene) -> None:
    tell_failure()
    for day in (3, 9, 16):
        run_dunning_job(at=november(day))
    tell("customer.subscription.deleted", subscription("canceled"), at=november(18))
    assert Account.objects.get().standing == "suspended"

    come_back()

    assert (Account.objects.get().standing, case().flag) == ("past_due", "returned")


# 14: names


@pytest.mark.parametrize(
    "name",
    [
        "You won 500 GBP, claim at http://prize.example/x now",
        "Claim at prize.example/x",
        "www.prize.example",
        "write to win@prize.example",
        "prize.example",
    ],
)
def test_a_name_with_a_link_in_it_is_not_greeted(scene: Scene, name: str) -> None:
    tell_failure(customer_name=name)

    run_dunning_job(at=november(3))

    assert names() == ["billing/first_notice"]
    assert "prize" not in all_words()
    assert "Hello,\n" in OutgoingMail.objects.get().text_body


@pytest.mark.parametrize("name", ["Shop Ltd", "J. R. Smith & Co.", "Zoë's Café (UK) Ltd.", "St. John’s 24/7"])
def test_a_plain_name_is_greeted(scene: Scene, name: str) -> None:
    tell_failure(customer_name=name)

    run_dunning_job(at=november(3))

    assert f"Hello {name},\n" in OutgoingMail.objects.get().text_body
