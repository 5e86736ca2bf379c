"""Support works a dispute in the back office: by verbs with a reason, told of whoever was quicker."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from disputes.models import Dispute
from disputes.tests.make import NOW, make_dispute, opened, track_path
from levqor.accounts.models import User
from levqor.audit.models import AuditEntry
from levqor.cases.models import Case, CaseMessage, Deadline
from levqor.desk.tests.make import make_admin, make_staff, signed_in
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db
QUEUE = "/admin/disputes/dispute/"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def support(db: None) -> Client:
    return signed_in(make_staff("Support"))


def act(client: Client, dispute: Dispute, verb: str, words: str = "Because.", **answers: Any) -> Any:
    """Presses the verb's button, having seen the dispute as it is now."""
    seen = Case.objects.get(pk=dispute.case_id).revision
    data = {"words": words, "revision": seen, **answers}
    return client.post(f"{QUEUE}{dispute.pk}/{verb}/", data, follow=True)


def letters(name: str) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(name=f"disputes/{name}"))


def test_the_queue_shows_what_is_to_answer_by_its_day(
    support: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    late = make_dispute(at=NOW - timedelta(days=7), email="ada@fern.test")
    for stage in ("complaint", "support"):
        make_dispute(email=f"{stage}@fern.test", stage=stage)
    answered = make_dispute(email="done@fern.test")
    act(support, answered, "answer")

    with django_assert_max_num_queries(16):
        page = support.get(QUEUE).content.decode()
    places = [page.index(f"{name}@fern.test") for name in ("ada", "support", "complaint")]
    assert places == sorted(places)
    assert "done@fern.test" not in page
    overdue = support.get(f"{QUEUE}?state=overdue").context["cl"].result_list
    assert [dispute.pk for dispute in overdue] == [late.pk]


@pytest.mark.parametrize(
    ("query", "found"),
    [("stage=complaint", 1), ("owner=nobody", 2), ("state=all", 3), ("state=withdrawn", 1), ("q=ada@fern.test", 2)],
)
def test_the_queue_is_filtered_and_searched(support: Client, query: str, found: int) -> None:
    make_dispute()
    make_dispute(stage="complaint", email="bob@fern.test")
    gone = make_dispute(subject="Another one")
    support.post(f"{track_path(gone)}/withdraw")

    assert len(support.get(f"{QUEUE}?{query}").context["cl"].result_list) == found


def test_a_verb_does_its_deed_tells_the_customer_and_is_in_the_trail(support: Client) -> None:
    dispute = make_dispute()
    page = act(support, dispute, "answer", "We pay it back today.").content.decode()

    dispute.refresh_from_db()
    assert dispute.status == "answered"
    assert "We pay it back today." in page
    (letter,) = letters("answered")
    assert (letter.to_email, "We pay it back today." in letter.text_body) == ("ada@fern.test", True)
    assert AuditEntry.objects.filter(object_type="disputes.dispute", verb="status.answered").count() == 1
    assert "We pay it back today." in support.get(track_path(dispute)).content.decode()


def test_words_are_required_and_kept(support: Client) -> None:
    dispute = make_dispute()
    response = act(support, dispute, "resolve", "", outcome="partly")

    assert "Write at least some words." in response.content.decode()
    assert 'value="partly" selected' in response.content.decode()


def test_whoever_was_slower_is_told_what_changed_and_keeps_their_words(support: Client) -> None:
    dispute = make_dispute()
    seen = Case.objects.get().revision
    other = signed_in(make_admin())
    act(other, dispute, "ask", "Which invoice is it?")
    response = support.post(f"{QUEUE}{dispute.pk}/answer/", {"words": "All is well.", "revision": seen})

    page = response.content.decode()
    assert "This dispute changed since you looked at it." in page
    assert "Which invoice is it?" in page
    assert "All is well." in page
    assert not letters("answered")


def test_asking_stops_the_clock_until_the_customer_writes(support: Client) -> None:
    dispute = make_dispute()
    act(support, dispute, "ask", "Which invoice is it?")
    due = Deadline.objects.get().due_at
    path = track_path(dispute)
    assert "Our time stands still since 25 November" in support.get(path).content.decode()

    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        support.post(path, {"body": "The first.", "opened": opened(support, path, at=NOW + timedelta(days=1))})
    running = Deadline.objects.get()
    assert (running.waiting_since, running.due_at - due) == (None, timedelta(days=1))


def test_a_new_stage_has_its_own_promise_and_mailbox(support: Client) -> None:
    dispute = make_dispute(stage="escalation")
    act(support, dispute, "move-up", "It concerns the contract.")

    dispute.refresh_from_db()
    assert (dispute.stage, dispute.filed_stage) == ("complaint", "escalation")
    assert [f"{row.purpose} {row.latest_date}" for row in Deadline.objects.order_by("pk")] == [
        "escalation 2026-11-30", "complaint 2026-12-04",
    ]  # fmt: skip
    (letter,) = letters("moved_up")
    assert "Friday 4 December 2026" in letter.text_body
    assert "It concerns the contract." in letter.text_body


def test_the_mail_can_be_looked_at_before_it_goes(support: Client) -> None:
    dispute = make_dispute()
    page = act(support, dispute, "answer", "We pay it back.", preview="yes").content.decode()

    assert "The mail, not sent yet" in page
    assert "/disputes/track/" not in page
    assert not letters("answered")


def test_files_of_staff_are_as_public_as_their_words(support: Client) -> None:
    dispute = make_dispute()
    act(support, dispute, "note", "Look at b.", attachments=[SimpleUploadedFile("b.txt", b"secret")])
    act(support, dispute, "reply", "Look at c.", attachments=[SimpleUploadedFile("c.txt", b"open")])

    page = support.get(track_path(dispute)).content.decode()
    own = support.get(f"{QUEUE}{dispute.pk}/change/").content.decode()
    assert ("b.txt" in page, "c.txt" in page) == (False, True)
    assert "b.txt" in own
    hidden = Case.objects.get().files.get(name="b.txt")
    assert support.get(f"{track_path(dispute)}/files/{hidden.pk}").status_code == 404
    assert support.get(f"{QUEUE}{dispute.pk}/files/{hidden.pk}/").content == b"secret"


def test_what_is_resolved_can_be_taken_up_again(support: Client) -> None:
    dispute = make_dispute()
    act(support, dispute, "resolve", "We do not agree.", outcome="not_agreed")
    assert Case.objects.get().closed_at == NOW
    act(support, dispute, "reopen", "Something new came up.")

    dispute.refresh_from_db()
    assert (dispute.status, dispute.outcome, dispute.case.closed_at) == ("open", "", None)
    assert Deadline.objects.filter(ended_at=None).count() == 1
    assert "Something new came up." in letters("reopened")[0].text_body


def test_the_customer_closes_it_and_whoever_has_it_is_told(support: Client) -> None:
    dispute = make_dispute()
    act(support, dispute, "take")
    act(support, dispute, "answer", "We pay it back.")
    seen = support.get(f"{track_path(dispute)}/accept").context["seen"]
    support.post(f"{track_path(dispute)}/accept", {"seen": seen})

    dispute.refresh_from_db()
    assert (dispute.status, dispute.outcome) == ("resolved", "accepted")
    assert [letter.to_email for letter in letters("accepted")] == ["support@levqor.test"]


def test_an_account_page_and_a_stranger_are_kept_apart(support: Client) -> None:
    dispute = make_dispute()
    nobody = signed_in(make_staff(""))

    assert nobody.get(f"{QUEUE}{dispute.pk}/change/").status_code in {302, 403}
    assert nobody.get(QUEUE).status_code == 403
    assert support.get(f"{QUEUE}{dispute.pk}/person/").status_code == 403


def test_mail_without_an_address_stays_on_the_page(support: Client) -> None:
    dispute = make_dispute(email=None)
    act(support, dispute, "answer", "We pay it back.")

    assert not letters("answered")
    assert "We pay it back." in support.get(track_path(dispute)).content.decode()
    assert "No e-mail address." in support.get(f"{QUEUE}{dispute.pk}/change/").content.decode()


def test_an_empty_queue_says_what_would_be_there(support: Client) -> None:
    assert "Nobody disagrees with us" in support.get(QUEUE).content.decode()


def test_somebody_else_looks_at_it_too(support: Client) -> None:
    dispute = make_dispute()
    signed_in(make_admin()).get(f"{QUEUE}{dispute.pk}/change/")

    assert "looks at this dispute right now" in support.get(f"{QUEUE}{dispute.pk}/change/").content.decode()
    assert User.objects.count() == 2
    assert not CaseMessage.objects.exists()
