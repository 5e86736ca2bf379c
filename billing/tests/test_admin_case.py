from datetime import datetime, time, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from billing.admin.timeline import FLAG_ADVICE
from billing.admin.verbs import VERB_OF_SLUG
from billing.models import Flag, PaymentFailure
from billing.staff_actions import newest_entry
from billing.tests.make import Scene
from levqor.accounts.models import Account, User
from levqor.audit.models import AuditEntry
from levqor.mail.models import OutgoingMail, Suppression

TOKEN = "7a1c1c0e-6a39-4b5c-9b6d-0e6b2f1c9a10"


def staff_with(*codenames: str) -> Client:
    """A browser in which a member of staff with these permissions is signed in."""
    user = User.objects.create_user(f"{len(codenames)}.sam@levqor.test", "x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def sam(db: None) -> Client:
    return staff_with(
        "view_paymentfailure", "change_paymentfailure", "steer_dunning", "view_outgoingmail", "view_stripeevent"
    )


def page(case: PaymentFailure, verb: str = "change") -> str:
    if verb == "change":
        return reverse("admin:billing_paymentfailure_change", args=[case.pk])
    return reverse(f"admin:billing_paymentfailure_{verb.replace('-', '_')}", args=[case.pk])


def steer(client: Client, case: PaymentFailure, verb: str, **answers: object) -> str:
    """Sends the form of the verb and returns the page that it leads to."""
    asked = {"reason": "agreed", "token": TOKEN, "seen_entry": newest_entry(case)}
    answer = client.post(page(case, verb), asked | answers, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_the_events_the_steps_and_the_mails(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)

    text = sam.get(page(case)).content.decode()

    assert "A payment attempt failed" in text
    assert "Second notice (day 7) planned" in text
    mail = case.emails.get().mail
    assert mail
    assert reverse("admin:mail_outgoingmail_change", args=[mail.pk]) in text


def test_the_page_says_who_did_what_and_why(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = steer(sam, case, "pause", reason="<b>card</b> is on its way")

    assert "Paused, by 5.sam@levqor.test" in text
    assert "&lt;b&gt;card&lt;/b&gt; is on its way" in text


def test_the_page_costs_the_same_with_more_history(
    sam: Client, scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    invoice = scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)
    sam.get(page(scene.case(invoice)))

    with django_assert_num_queries(QUERIES):
        sam.get(page(scene.case(invoice)))


# However long the history: session, person, permissions, the case and each part of its page.
QUERIES = 19


def test_every_verb_asks_before_it_acts(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = sam.get(page(case, "stop")).content.decode()

    assert "Why?" in text
    assert scene.case(case.invoice_id).status == "open"


def test_no_verb_without_a_reason(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = steer(sam, case, "stop", reason="  ")

    assert "Say in a few words why" in text
    assert scene.case(case.invoice_id).status == "open"


@pytest.mark.parametrize(
    "permissions",
    [
        (),
        ("view_paymentfailure",),
        ("view_paymentfailure", "change_paymentfailure"),
        ("view_paymentfailure", "steer_dunning"),
    ],
)
@pytest.mark.parametrize("verb", list(VERB_OF_SLUG))
def test_staff_without_both_permissions_are_refused(scene: Scene, permissions: tuple[str, ...], verb: str) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    client = staff_with(*permissions)

    assert client.post(page(case, verb), {"reason": "let me", "token": TOKEN}).status_code == 403
    assert not AuditEntry.objects.filter(actor_kind="staff").exists()


def test_a_customer_is_refused(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    client = Client()
    client.force_login(User.objects.create_user("chris@example.com", "x"))

    # Our own login refuses whoever is signed in without being staff.
    assert client.get(page(case), follow=True).status_code == 403
    assert client.post(page(case, "stop"), {"reason": "mine", "token": TOKEN}, follow=True).status_code == 403
    assert scene.case(case.invoice_id).status == "open"


def test_a_stranger_is_sent_to_the_login(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    answer = Client().get(page(case), follow=True)

    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_a_reader_sees_the_case_and_no_verb(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = staff_with("view_paymentfailure").get(page(case)).content.decode()

    assert "What to do here" in text
    assert "Stop the case" not in text


def test_pausing_until_a_date_counts_from_the_customers_morning(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    # Half a year ahead is on the other side of a change of the clocks.
    day = timezone.localdate() + timedelta(days=180)

    steer(sam, case, "pause", until_date=day.isoformat())

    assert scene.case(case.invoice_id).paused_until == datetime.combine(day, time(), case.account.zone)


def test_a_pause_of_years_is_taken_for_a_slip(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    assert "Choose a day within a year" in steer(sam, case, "pause", until_date="2062-12-09")
    assert scene.case(case.invoice_id).paused_at is None


def test_a_move_that_somebody_else_made_first_is_told_in_words(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    steer(sam, case, "stop")

    assert "there is nothing to steer" in steer(sam, case, "stop")
    assert "is not possible here any more" in sam.get(page(case, "stop"), follow=True).content.decode()


def test_where_no_address_works_a_resend_leads_to_adding_one(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    mail = OutgoingMail.objects.get()
    Suppression.objects.create(email=mail.to_email, reason="bounce", suppressed_at=mail.created_at)
    OutgoingMail.objects.update(bounced_at=mail.created_at, bounce_detail="550 No such user")

    assert f'href="{page(case, "add-address")}"' in sam.get(page(case, "resend")).content.decode()
    assert "the provider says: 550 No such user" in sam.get(page(case)).content.decode()


def test_a_restored_account_is_not_called_suspended(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    for day in (1, 7, 14):
        scene.run(day=day)
    assert "the account was suspended" in sam.get(page(case)).content.decode()

    assert "restored without a payment" in steer(sam, case, "restore")


def test_a_double_click_on_resend_is_one_mail(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    step = case.steps.all()[0].pk

    for _ in range(2):
        steer(sam, case, "resend", step=step)

    assert case.emails.filter(email_type="manual").count() == 1


def test_a_step_of_another_case_cannot_be_skipped_here(sam: Client, scene: Scene) -> None:
    mine, other = (scene.case(scene.fail(next_attempt=None)) for _ in range(2))

    steer(sam, mine, "skip", step=other.steps.all()[0].pk)

    assert set(other.steps.values_list("status", flat=True)) == {"pending"}


def test_switched_off_dunning_is_said_on_the_page(sam: Client, scene: Scene, settings: Settings) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    settings.DUNNING_ENABLED = False

    assert "Dunning is switched off." in sam.get(page(case)).content.decode()


def test_an_unknown_case_is_answered_without_an_error(sam: Client) -> None:
    answer = sam.get(reverse("admin:billing_paymentfailure_change", args=["99"]), follow=True)

    assert answer.status_code == 200


def open_question(client: Client, case: PaymentFailure, verb: str) -> dict[str, object]:
    """The form of the verb as it stands in somebody's browser."""
    form = client.get(page(case, verb)).context["form"]
    return {"reason": "as I was told", "token": form["token"].value(), "seen_entry": form["seen_entry"].value()}


def test_the_second_of_two_people_is_told_and_keeps_the_reason(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    ben = staff_with("view_paymentfailure", "change_paymentfailure", "steer_dunning")
    mine = open_question(sam, case, "stop")
    steer(ben, case, "pause", reason="waits for payday")

    text = steer(sam, case, "stop", **mine)

    assert "Paused, by 3.sam@levqor.test" in text
    assert "waits for payday" in text
    assert "as I was told" in text
    assert scene.case(case.invoice_id).status == "open"


def test_whoever_was_told_may_decide_all_the_same(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    mine = open_question(sam, case, "stop")
    steer(staff_with("view_paymentfailure", "change_paymentfailure", "steer_dunning"), case, "pause")
    told = sam.post(page(case, "stop"), mine)

    sam.post(page(case, "stop"), mine | {"seen_entry": told.context["form"]["seen_entry"].value()})

    assert scene.case(case.invoice_id).status == "closed"


def test_what_levqor_did_in_the_meantime_is_told_too(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    mine = open_question(sam, case, "pause")
    scene.run(day=1)

    assert "Step sent, by Levqor" in steer(sam, case, "pause", **mine)


def test_a_page_that_was_open_for_long_tells_before_it_asks(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    seen = newest_entry(case)
    scene.run(day=1)

    text = sam.get(f"{page(case, 'pause')}?seen={seen}").content.decode()

    assert "This case changed since you looked at it." in text
    assert sam.get(f"{page(case, 'pause')}?seen=9999999999999999999999").status_code == 200


def test_a_double_click_is_done_once_and_frightens_nobody(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    mine = open_question(sam, case, "pause")
    steer(sam, case, "pause", **mine)

    text = steer(sam, case, "pause", **mine)

    assert "The case is paused." in text
    assert AuditEntry.objects.about(case).filter(verb="paused").count() == 1


def test_a_resend_is_held_back_where_somebody_else_was_first(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    step = case.steps.all()[0].pk
    mine = open_question(sam, case, "resend")
    steer(staff_with("view_paymentfailure", "change_paymentfailure", "steer_dunning"), case, "resend", step=step)

    assert "Mail sent again by hand" in steer(sam, case, "resend", step=step, **mine)
    assert case.emails.filter(email_type="manual").count() == 1


def test_a_refusal_keeps_what_was_typed(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = steer(sam, case, "restore", reason="they will pay on Friday")

    assert "is not suspended for an unpaid invoice" in text
    assert "they will pay on Friday" in text


def test_a_pause_into_the_past_is_explained_at_its_field(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = steer(sam, case, "pause", until_date="2020-01-01")

    assert "Choose a day after today" in text
    assert scene.case(case.invoice_id).paused_at is None


def test_an_added_address_is_where_the_next_mail_goes(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    Account.objects.update(billing_email="")

    steer(sam, case, "add-address", email="cfo@example.com")
    scene.run(day=1)

    mail = case.emails.get().mail
    assert mail
    assert mail.to_email == "cfo@example.com"


def test_an_address_is_added_once(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = steer(sam, case, "add-address", email=case.account.billing_email.upper())

    assert "has this address already" in text


def test_the_question_says_what_the_answer_would_do(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = sam.get(page(case, "stop")).content.decode()

    assert text.count("Is cancelled:") == 3
    assert "counts as lost in the report" in text


@pytest.mark.parametrize("flag", list(Flag))
def test_every_flag_says_what_to_do(sam: Client, scene: Scene, flag: Flag) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    PaymentFailure.objects.update(flag=flag)

    assert sam.get(page(case)).context["advice"].startswith(FLAG_ADVICE[flag])


def test_a_note_stands_in_the_history_of_a_case_whatever_its_state(sam: Client, scene: Scene) -> None:
    case = scene.case(invoice := scene.fail(next_attempt=None))
    scene.fake.pay_invoice(invoice)
    scene.hear()
    before = OutgoingMail.objects.count()

    shown = steer(sam, scene.case(case.invoice_id), "note", reason="Rang them: the old card was stolen.")

    assert "Note of a colleague" in shown
    assert "Rang them: the old card was stolen." in shown
    assert OutgoingMail.objects.count() == before


def test_the_queue_shows_how_old_a_debt_is_and_for_which_plan(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    PaymentFailure.objects.update(failure_date=timezone.now() - timedelta(days=12), plan_name="Growth")

    text = " ".join(sam.get(reverse("admin:billing_paymentfailure_changelist")).content.decode().split())

    assert case.account.billing_email in text
    assert "Growth" in text
    assert "1 week ago" in text
