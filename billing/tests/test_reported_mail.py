"""Reported faults of mail that could not leave, or should not: what is right for each, against a fake Resend."""

from datetime import timedelta

import pytest

from billing.dunning import PassReport, run_dunning_job
from billing.models import DunningStep, PaymentFailure
from billing.tests.told import november, paid, tell, tell_failure, track
from levqor.accounts.models import Account, AccountContact
from levqor.mail.models import OutgoingMail, Suppression
from testing.fake_resend import FakeResend

pytestmark = pytest.mark.usefixtures("scene")


def counts(report: PassReport) -> dict[str, int]:
    names = ("due", "sent", "held", "cancelled", "failed", "suspended")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


# 02: what a bounce says of the address


def test_a_full_mailbox_is_no_dead_address(provider: FakeResend) -> None:
    tell_failure()
    run_dunning_job(at=november(3))
    full = {"type": "Transient", "subType": "MailboxFull", "message": "The inbox is out of storage space"}
    track(provider, "email.bounced", OutgoingMail.objects.get(), november(3, 11, 5), bounce=full)

    for day in (9, 16):
        run_dunning_job(at=november(day))

    assert not Suppression.objects.exists()
    assert [mail.body["to"] for mail in provider.mails] == [["payer@shop.example"]] * 3


@pytest.mark.parametrize("kind", ["Undetermined", "", "Soft"])
def test_only_a_bounce_for_good_makes_a_dead_address(provider: FakeResend, kind: str) -> None:
    tell_failure()
    run_dunning_job(at=november(3))

    track(
        provider, "email.bounced", OutgoingMail.objects.get(), november(3, 12), bounce={"type": kind, "message": "no"}
    )

    assert not Suppression.objects.exists()


def test_a_bounce_for_good_still_does(provider: FakeResend) -> None:
    tell_failure()
    run_dunning_job(at=november(3))

    track(provider, "email.bounced", OutgoingMail.objects.get(), november(3, 11, 5))

    assert Suppression.objects.get().email == "payer@shop.example"


# 05: a fault of ours


REFUSALS = [
    (401, "restricted_api_key", "This API key is restricted to only send emails"),
    (401, "missing_api_key", "Missing API key in the authorization header"),
    (403, "invalid_api_key", "API key is invalid"),
    (403, "validation_error", "The shop.example domain is not verified"),
    (429, "daily_quota_exceeded", "You have reached your daily email sending quota"),
    (429, "monthly_quota_exceeded", "You have reached your monthly email sending quota"),
    (422, "invalid_from_address", "Invalid `from` field"),
    (403, "invalid_from_address", "Invalid `from` field"),
    (451, "security_error", "We may have found a security issue with the request"),
]


@pytest.mark.parametrize(("status", "name", "message"), REFUSALS)
def test_a_refusal_of_our_set_up_holds_the_mail_until_it_is_mended(
    provider: FakeResend, status: int, name: str, message: str
) -> None:
    tell_failure("in_a", customer="cus_a", customer_email="a@shop.example")
    tell_failure("in_b", customer="cus_b", customer_email="b@shop.example")
    provider.fail_next(status=status, count=2, name=name, message=message)

    assert counts(run_dunning_job(at=november(3))) == {"due": 2, "held": 2}
    assert not PaymentFailure.objects.exclude(flag="").exists()
    assert counts(run_dunning_job(at=november(3, 12))) == {"due": 2, "sent": 2}


def test_a_key_that_was_revoked_for_an_hour_costs_no_mail(provider: FakeResend) -> None:
    tell_failure("in_a", customer="cus_a", customer_email="a@shop.example")
    tell_failure("in_b", customer="cus_b", customer_email="b@shop.example")
    provider.api_key = "re_other"
    assert counts(run_dunning_job(at=november(3))) == {"due": 2, "held": 2}

    provider.api_key = "re_fake"

    assert counts(run_dunning_job(at=november(3, 12))) == {"due": 2, "sent": 2}


def test_a_key_that_is_refused_for_days_loses_no_mail(provider: FakeResend) -> None:
    tell_failure()
    provider.api_key = "re_other"
    for day in (3, 4, 5):
        assert counts(run_dunning_job(at=november(day))) == {"due": 1, "held": 1}
    provider.api_key = "re_fake"

    assert counts(run_dunning_job(at=november(6))) == {"due": 1, "sent": 1}
    assert len(provider.mails) == 1


def test_a_refusal_of_the_recipient_is_final(provider: FakeResend) -> None:
    tell_failure()
    provider.fail_next(status=422, name="validation_error", message="Invalid `to` field. The email address is invalid.")

    assert counts(run_dunning_job(at=november(3))) == {"due": 1, "failed": 1}
    assert DunningStep.objects.get(attempt_number=1).status == "failed"


# 16: never at night


def test_a_mail_that_is_tried_again_leaves_in_the_customers_day(provider: FakeResend) -> None:
    tell_failure()
    provider.fail_next(status=429, count=4, retry_after=3600)
    night = [(3, 17, 58), (3, 18, 59), (3, 20, 5), (3, 22, 10), (4, 1, 15)]
    day = [(4, 8, 5), (4, 9, 10), (4, 10, 15), (4, 11, 20)]

    for passing in night + day:
        run_dunning_job(at=november(*passing))

    assert OutgoingMail.objects.get().sent_at == november(4, 11, 20)
    assert len(provider.attempts) == 5


def test_nothing_is_even_tried_at_night(provider: FakeResend) -> None:
    tell_failure()
    provider.fail_next(status=429, count=1, retry_after=60)
    run_dunning_job(at=november(3, 17, 58))

    for day, hour, minute in [(3, 18, 59), (3, 20, 5), (3, 22, 10), (4, 1, 15), (4, 7, 59)]:
        assert counts(run_dunning_job(at=november(day, hour, minute))) == {"due": 1, "held": 1}
    assert len(provider.attempts) == 1
    run_dunning_job(at=november(4, 8, 5))

    assert DunningStep.objects.get(attempt_number=1).sent_at == november(4, 8, 5)


def test_the_second_contact_hears_of_a_bounce_at_night_in_the_morning(provider: FakeResend) -> None:
    found = tell_failure()
    AccountContact.objects.create(account=found.account, email="second@shop.example")
    run_dunning_job(at=november(3))
    track(provider, "email.bounced", OutgoingMail.objects.get(), november(3, 23, 40))

    for at in (november(3, 23, 41), november(4, 3), november(4, 8, 5)):
        run_dunning_job(at=at)

    second = OutgoingMail.objects.get(to_email="second@shop.example")
    assert second.sent_at == november(4, 8, 5)


@pytest.mark.parametrize("change", [{"is_exempt_from_dunning": True}])
def test_a_retry_asks_again_whether_the_mail_may_leave(provider: FakeResend, change: dict[str, bool]) -> None:
    tell_failure()
    provider.fail_next(status=503)
    run_dunning_job(at=november(3))
    Account.objects.update(**change)

    report = run_dunning_job(at=november(3, 13))

    assert (report.held, provider.mails) == (1, [])


# 21: paid while the mail waits


@pytest.mark.parametrize(("status", "ends_as"), [(429, "cancelled"), (401, "cancelled"), (503, "unknown")])
def test_what_waits_ends_with_its_case(provider: FakeResend, status: int, ends_as: str) -> None:
    found = tell_failure()
    provider.fail_next(status=status)
    run_dunning_job(at=november(3))
    tell("invoice.paid", paid(), at=november(3, 11, 10))

    for at in (november(3, 12), november(5, 12)):
        run_dunning_job(at=at)

    statuses = set(found.steps.values_list("status", flat=True))
    assert not statuses & {"sending", "pending"}
    assert found.steps.get(attempt_number=1).status == ends_as
    assert OutgoingMail.objects.get(name="billing/first_notice").status == ends_as
    assert len(provider.attempts) == 1


def test_a_mail_that_hung_and_whose_case_was_paid_is_unknown(provider: FakeResend) -> None:
    found = tell_failure()
    provider.cut_after_accept()
    run_dunning_job(at=november(3))
    tell("invoice.paid", paid(), at=november(3) + timedelta(minutes=10))

    run_dunning_job(at=november(3, 12))

    assert found.steps.get(attempt_number=1).status == "unknown"
