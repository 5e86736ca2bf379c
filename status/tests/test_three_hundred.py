"""Three hundred subscribers, a provider that is down, and people who leave, bounce and come back while their mails wait."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from levqor.lib.events import emit
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.outbox import deliver
from status.incidents import post_update
from status.models import IncidentStatus, Notice, NoticeStatus, Subscriber
from status.subscriber_links import link, token_of
from status.subscriptions import write_notices
from status.tests.make import NOON, SUPPORT, make_incident, make_update
from status.tests.test_reported_mails import ONE_CLICK, come_back
from status.tests.test_status_admin import make_staff
from status.tests.test_subscriptions import make_subscriber
from testing.fake_resend import FakeResend

pytestmark = [pytest.mark.proof, pytest.mark.django_db]
ADDRESSES = [f"u{number:03}@shop.example" for number in range(1, 301)]
LEFT = ["u200@shop.example", "u210@shop.example", "u220@shop.example", "u230@shop.example"]
CAME_BACK = "u240@shop.example"
HOUR = timedelta(hours=1)


@pytest.fixture
def resend(settings: Settings) -> Iterator[FakeResend]:
    with FakeResend() as fake:
        settings.RESEND_API_KEY = fake.api_key
        options = {"api_key": fake.api_key, "api_url": fake.url}
        settings.MAILERS = {"default": {"BACKEND": "levqor.mail.backends.ResendBackend", "OPTIONS": options}}
        yield fake


def drain(*, hours: int) -> None:
    """Hands over whatever is due by then, until nothing is."""
    at = NOON + hours * HOUR
    while due := list(OutgoingMail.objects.due(at=at)):
        for mail in due:
            deliver(mail, at=at)


def leave() -> None:
    one_click, on_the_page, removed, bounced = (Subscriber.objects.get(email=address) for address in LEFT)
    Client().post(f"/status/subscribe/end/{token_of(one_click)}", ONE_CLICK)
    Client().post(urlsplit(link("unsubscribe", on_the_page)).path)
    staff = Client()
    staff.force_login(make_staff("view_subscriber", "change_subscriber"))
    staff.post("/admin/status/subscriber/", {"action": "end_subscription", "_selected_action": [removed.pk]})
    earlier = OutgoingMail.objects.create(
        key="earlier", name="status/update", to_email=bounced.email, status=MailStatus.SENT, sent_at=NOON
    )
    emit("mail.bounced", mail=earlier, at=NOON)


def told(fake: FakeResend) -> Counter[str]:
    return Counter(
        address for mail in fake.mails for address in mail.body["to"] if "Slow answers" in mail.body["subject"]
    )


def test_nobody_is_told_against_their_wish_and_nobody_twice(resend: FakeResend) -> None:
    for address in ADDRESSES:
        make_subscriber(address)
    incident = make_incident()
    while write_notices(at=NOON):
        pass
    # Before the first attempt: of an answer 503 nobody knows whether the mail left, and then it is not written again.
    come_back(Subscriber.objects.get(email=CAME_BACK), at=NOON)
    write_notices(at=NOON)
    resend.fail_next(status=503, count=2 * len(ADDRESSES), path_prefix="/emails")
    drain(hours=0)
    assert not resend.mails

    leave()
    resend.heal()
    drain(hours=1)

    expected = Counter(address for address in ADDRESSES if address not in LEFT)
    assert told(resend) == expected
    skipped = Notice.objects.filter(status=NoticeStatus.SKIPPED).exclude(reason="")
    assert sorted(skipped.values_list("subscriber__email", flat=True)) == LEFT
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Over."), by=SUPPORT, at=NOON + HOUR)
    while write_notices(at=NOON + HOUR):
        pass
    drain(hours=2)
    assert told(resend) == expected + expected
    assert not OutgoingMail.objects.filter(status__in=[MailStatus.PENDING, MailStatus.SENDING]).exists()
