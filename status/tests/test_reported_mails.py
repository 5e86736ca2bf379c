"""Who left is written to no more, however long the mail has waited; one click ends it, from any client and at any age."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from levqor.lib.actors import CUSTOMER
from levqor.lib.events import emit
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.outbox import deliver
from status.incidents import post_update
from status.models import IncidentStatus, Notice, NoticeStatus, Subscriber, SubscriberState
from status.subscriber_links import link, token_of
from status.subscriptions import ask, confirm, end, write_notices
from status.tests.make import NOON, SUPPORT, make_incident, make_update
from status.tests.test_status_admin import make_staff
from status.tests.test_subscriptions import make_subscriber

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
HOUR = timedelta(hours=1)


@pytest.fixture
def waiting() -> Subscriber:
    """A subscriber whose mail of an open incident stands in the outbox."""
    subscriber = make_subscriber()
    make_incident()
    write_notices(at=NOON)
    return subscriber


def the_mail() -> OutgoingMail:
    return OutgoingMail.objects.get(name="status/update")


def is_skipped(reason: str) -> bool:
    notice = Notice.objects.get()
    return (notice.status, notice.reason) == (NoticeStatus.SKIPPED, reason)


def test_a_mail_that_waits_in_the_outbox_does_not_go_to_one_who_left(waiting: Subscriber) -> None:
    Client().post(f"/status/subscribe/end/{token_of(waiting)}", ONE_CLICK)

    assert deliver(the_mail(), at=NOON + HOUR) == MailStatus.CANCELLED
    assert is_skipped("ended by customer")


def test_staff_end_a_subscription_and_what_waits_for_it(client: Client, waiting: Subscriber) -> None:
    client.force_login(make_staff("view_subscriber", "change_subscriber"))
    facts = {"action": "end_subscription", "_selected_action": [waiting.pk]}

    client.post("/admin/status/subscriber/", facts)

    waiting.refresh_from_db()
    assert (waiting.state, the_mail().status) == (SubscriberState.ENDED, MailStatus.CANCELLED)
    assert is_skipped("ended by staff")


def test_who_may_only_look_ends_no_subscription(client: Client, waiting: Subscriber) -> None:
    client.force_login(make_staff("view_subscriber"))

    client.post("/admin/status/subscriber/", {"action": "end_subscription", "_selected_action": [waiting.pk]})

    assert Subscriber.objects.get().is_active


def test_a_bounce_of_an_earlier_mail_stops_the_one_that_waits(waiting: Subscriber) -> None:
    earlier = OutgoingMail.objects.create(key="earlier", name="status/update", to_email=waiting.email)

    emit("mail.bounced", mail=earlier, at=NOON)

    assert OutgoingMail.objects.get(key=Notice.objects.get().mail_key).status == MailStatus.CANCELLED
    assert is_skipped("bounced")


def come_back(subscriber: Subscriber, *, at: datetime) -> None:
    end(subscriber, by=CUSTOMER, at=at)
    ask(subscriber.email, [], network="192.0.2.1", at=at)
    assert confirm(Subscriber.objects.get(pk=subscriber.pk), at=at)


def test_who_left_and_came_back_is_told_once(waiting: Subscriber) -> None:
    come_back(waiting, at=NOON)
    come_back(waiting, at=NOON)
    write_notices(at=NOON)

    sent = [deliver(mail, at=timezone.now()) for mail in OutgoingMail.objects.filter(name="status/update")]
    assert sorted(sent) == [MailStatus.CANCELLED, MailStatus.SENT]
    assert Notice.objects.get().status == NoticeStatus.WRITTEN


def test_who_came_back_is_not_told_twice_of_what_has_left(waiting: Subscriber) -> None:
    deliver(the_mail(), at=NOON)

    come_back(waiting, at=NOON + HOUR)

    assert write_notices(at=NOON + HOUR) == 0


def test_who_came_back_is_not_told_of_what_is_over(waiting: Subscriber) -> None:
    incident = Notice.objects.get().update.incident
    end(waiting, by=CUSTOMER, at=NOON)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Over."), by=SUPPORT, at=NOON)

    come_back(waiting, at=NOON + HOUR)

    assert write_notices(at=NOON + HOUR) == 0


def path_in(header: str) -> str:
    return "/" + header.strip("<>").split("/", 3)[3]


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"},
        {"data": ONE_CLICK},
        {"data": b"", "content_type": "application/x-www-form-urlencoded"},
        {
            "data": b"List-Unsubscribe=One-Click",
            "content_type": "text/plain",
            "headers": {"Origin": "https://m.example"},
        },
        {
            "data": b"--x",
            "content_type": "multipart/form-data; boundary=x",
            "headers": {"Sec-Fetch-Site": "cross-site"},
        },
    ],
)
@pytest.mark.parametrize("state", [SubscriberState.ACTIVE, SubscriberState.PENDING, SubscriberState.BOUNCED])
def test_any_post_of_a_bare_client_ends_it(sent: dict[str, object], state: str) -> None:
    subscriber = make_subscriber(state=state)
    strict, path = Client(enforce_csrf_checks=True), path_in(link("unsubscribe", subscriber))

    answers = [strict.post(path, **sent) for _ in range(3)]  # type: ignore[arg-type]  # as a client may send it

    assert [answer.status_code for answer in answers] == [200] * 3
    assert not strict.cookies
    assert Subscriber.objects.get().state == SubscriberState.ENDED


def test_looking_ends_nothing_and_afterwards_the_way_back_is_shown(client: Client) -> None:
    path = path_in(link("unsubscribe", make_subscriber()))
    for _ in range(3):
        assert (client.get(path).status_code, client.head(path).status_code) == (200, 200)
    assert Subscriber.objects.get().is_active

    client.post(path, ONE_CLICK)

    assert "Subscribe again" in client.get(path).text


def test_an_old_link_ends_the_new_subscription_too(waiting: Subscriber) -> None:
    path = path_in(the_mail().headers["List-Unsubscribe"])
    other = make_subscriber("eve@example.com")
    come_back(waiting, at=NOON + timedelta(days=400))

    Client().post(path, ONE_CLICK)

    states = {one.email: one.state for one in Subscriber.objects.all()}
    assert states == {waiting.email: SubscriberState.ENDED, other.email: SubscriberState.ACTIVE}


def test_a_link_that_is_not_ours_tells_nothing() -> None:
    token = token_of(make_subscriber())
    answers = [Client().post(f"/status/subscribe/end/{one}", ONE_CLICK) for one in (f"{token[:-1]}!", "999.x", "\0")]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert "ada@" not in "".join(answer.text for answer in answers)


def test_both_headers_stand_in_every_mail_but_the_confirmation(waiting: Subscriber) -> None:
    ask(waiting.email, [], network="192.0.2.1", at=NOON)
    ask("new@example.com", [], network="192.0.2.1", at=NOON)

    having = {mail.name: sorted(mail.headers) for mail in OutgoingMail.objects.filter(name__startswith="status/")}
    both = ["List-Unsubscribe", "List-Unsubscribe-Post"]
    assert having == {"status/update": both, "status/already": both, "status/confirm": []}
