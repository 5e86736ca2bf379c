from billing.models import PaymentFailure
from billing.pay_links import pay_url
from billing.tests.make import Scene
from levqor.accounts.models import Suspension
from levqor.lib.actors import SYSTEM
from levqor.mail.models import OutgoingMail


def test_paying_before_any_mail_is_silent(scene: Scene) -> None:
    invoice = scene.fail()

    scene.fake.pay_invoice(invoice)
    scene.hear()

    case = scene.case(invoice)
    assert (case.status, case.account.standing) == ("recovered", "active")
    assert set(case.steps.values_list("status", flat=True)) == {"cancelled"}
    assert case.emails.count() == 0


def test_paying_after_a_reminder_says_thank_you_and_credits_the_step(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.run(day=1)

    scene.fake.pay_invoice(invoice)
    scene.hear()
    scene.deliver_mail()

    assert scene.mails() == ["first_notice", "recovered"]
    case = scene.case(invoice)
    assert (case.recovered_after_step, case.recovered_cents) == (1, case.amount_cents)


def test_paying_after_a_suspension_restores_the_service_with_one_mail(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)

    scene.fake.pay_invoice(invoice)
    scene.hear()
    scene.hear()
    scene.deliver_mail()

    assert scene.mails()[3:] == ["restored"]
    assert scene.account().standing == "active"


def test_paying_never_lifts_a_suspension_for_abuse(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)
    scene.account().suspend(Suspension.Reason.ABUSE, by=SYSTEM, at=scene.now)

    scene.fake.pay_invoice(invoice)
    scene.hear()

    assert scene.account().standing == "suspended"


def test_paying_one_of_two_keeps_the_others_progress(scene: Scene) -> None:
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="two@example.com"))
    first, second = (scene.fail(subscription=subscription, next_attempt=None) for _ in range(2))
    scene.run(day=1)

    scene.fake.pay_invoice(first)
    scene.hear()

    assert scene.account().standing == "past_due"
    assert list(scene.case(second).steps.values_list("status", flat=True)) == ["sent", "pending", "pending"]


def test_the_thanks_lead_to_what_is_left(scene: Scene) -> None:
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="two@example.com"))
    paid, left = (scene.fail(subscription=subscription, next_attempt=None) for _ in range(2))
    scene.run(day=1)

    scene.fake.pay_invoice(paid)
    scene.hear()

    mail = OutgoingMail.objects.get(name="billing/recovered")
    assert f"Pay what is left:\n{pay_url(scene.case(left))}\n" in mail.text_body
    assert mail.html_body.count(pay_url(scene.case(left))) == 1


def test_a_void_closes_the_case(scene: Scene) -> None:
    invoice = scene.fail()

    scene.fake.void_invoice(invoice)
    scene.hear()

    assert (scene.case(invoice).status, scene.case(invoice).close_reason) == ("closed", "voided")
    assert scene.account().standing == "active"


def test_a_payment_heard_of_before_its_failure_opens_nothing(scene: Scene) -> None:
    invoice = scene.fake.fail_invoice()
    scene.fake.pay_invoice(invoice)

    paid_first = sorted(scene.fake.pending_events(), reverse=True)
    for event in paid_first:
        scene.fake.deliver(event)
    scene.hear()

    assert not PaymentFailure.objects.exists()


def test_a_credit_note_over_the_whole_amount_settles(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)

    scene.fake.credit_invoice(invoice, 5000)
    scene.hear()

    assert scene.case(invoice).status == "recovered"


def test_an_ended_subscription_stops_the_reminders(scene: Scene) -> None:
    invoice = scene.fail()

    scene.fake.cancel_subscription(scene.case(invoice).subscription_id)
    scene.hear()

    assert scene.case(invoice).close_reason == "subscription_ended"


def test_a_deleted_customer_is_written_to_no_more(scene: Scene) -> None:
    invoice = scene.fail()

    scene.fake.delete_customer(scene.account().stripe_customer_id or "")
    scene.hear()

    assert scene.case(invoice).status == "closed"


def test_who_comes_back_since_the_invoice_was_voided_is_not_thanked_for_a_payment(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)
    assert scene.account().standing == "suspended"

    scene.fake.void_invoice(invoice)
    scene.hear()
    scene.deliver_mail()

    mail = OutgoingMail.objects.get(name="billing/restored")
    text = " ".join(mail.text_body.split())
    assert (mail.status, scene.account().standing) == ("sent", "active")
    assert "We no longer ask for invoice" in text
    assert "Thank you" not in text
