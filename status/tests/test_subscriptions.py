"""Subscribing by mail: only the owner of an address starts it, anybody with the link ends it, nobody is told twice."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from levqor.audit.models import AuditEntry
from levqor.hooks.models import Endpoint, HookMessage
from levqor.lib.actors import CUSTOMER
from levqor.lib.events import emit
from levqor.mail.models import OutgoingMail
from status import emails, subscriber_links
from status.component_states import ComponentState
from status.incidents import post_update
from status.models import IncidentStatus, Notice, NoticeStatus, Subscriber, SubscriberState
from status.subscriber_links import token_of
from status.subscriptions import confirm, end, write_notices
from status.tests.make import NOON, SUPPORT, component, make_incident, make_maintenance, make_update

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def make_subscriber(email: str = "ada@example.com", *slugs: str, state: str = SubscriberState.ACTIVE) -> Subscriber:
    subscriber = Subscriber.objects.create(email=email, state=state, asked_at=NOON, wants_all=not slugs)
    subscriber.components.set([component(slug) for slug in slugs])
    return subscriber


def ask(client: Client, email: str = "ada@example.com", **more: object) -> int:
    return client.post("/status/subscribe", {"email": email} | more).status_code


def link_in(mail: OutgoingMail) -> str:
    found = re.search(r"https?://[^/\s]+(/status/subscribe/\S+)", mail.text_body)
    assert found
    return found[1]


def test_an_address_is_written_to_only_after_its_owner_confirmed(client: Client) -> None:
    ask(client)
    make_incident()
    before = Notice.objects.count()

    client.post(link_in(OutgoingMail.objects.get(name="status/confirm")))

    assert before == 0
    assert Subscriber.objects.get().state == SubscriberState.ACTIVE


@pytest.mark.parametrize("page", ["confirm", "manage", "end"])
def test_opening_a_link_changes_nothing(client: Client, page: str) -> None:
    state = SubscriberState.PENDING if page == "confirm" else SubscriberState.ACTIVE
    subscriber = make_subscriber(state=state)

    opened = client.get(f"/status/subscribe/{page}/{token_of(subscriber)}")

    subscriber.refresh_from_db()
    assert opened.status_code in {200, 410}
    assert subscriber.state == state
    assert (opened["Referrer-Policy"], opened["X-Robots-Tag"]) == ("same-origin", "noindex")


def test_browsers_that_keep_no_cookie_subscribe_and_confirm() -> None:
    client = Client(enforce_csrf_checks=True)

    asked = ask(client)
    confirmed = client.post(link_in(OutgoingMail.objects.get(name="status/confirm")) + ".")

    assert (asked, confirmed.status_code) == (302, 302)
    assert Subscriber.objects.get().state == SubscriberState.ACTIVE


@pytest.mark.parametrize("page", ["confirm", "manage", "end"])
def test_a_forged_link_leads_nowhere(client: Client, page: str) -> None:
    make_subscriber()

    assert client.post(f"/status/subscribe/{page}/1.forged").status_code == 404


def test_the_answer_is_the_same_whether_the_address_is_known_or_not(client: Client) -> None:
    make_subscriber("known@example.com")

    assert ask(client, "known@example.com") == ask(client, "new@example.com") == 302


def test_nobody_can_be_flooded_through_the_form(client: Client) -> None:
    answers = [ask(client, "victim@example.com") for _ in range(4)]

    assert answers == [302, 302, 429, 429]
    assert OutgoingMail.objects.filter(to_email="victim@example.com").count() == 2


def test_one_network_cannot_subscribe_the_world(client: Client) -> None:
    answers = [ask(client, f"{number}@example.com") for number in range(21)]

    assert answers == [302] * 20 + [429]


@pytest.mark.parametrize("email", ["", "no address", "a@b\r\nBcc: x@example.com", "ünïcode@example.com" + "x" * 300])
def test_what_is_no_address_is_refused_with_words(client: Client, email: str) -> None:
    answer = client.post("/status/subscribe", {"email": email})

    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert not Subscriber.objects.exists()


def test_a_refused_form_keeps_what_was_typed(client: Client) -> None:
    answer = client.post("/status/subscribe", {"email": "ada at example", "components": [component("api").pk]})

    assert answer.status_code == 422
    assert 'value="ada at example"' in answer.text
    assert "checked" in answer.text


def test_one_click_ends_it_without_cookie_or_token() -> None:
    subscriber = make_subscriber()
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(f"/status/subscribe/end/{token_of(subscriber)}", {"List-Unsubscribe": "One-Click"})

    subscriber.refresh_from_db()
    assert answer.status_code == 200
    assert subscriber.state == SubscriberState.ENDED


def test_consent_and_its_end_are_in_the_trail(client: Client) -> None:
    ask(client)
    subscriber = Subscriber.objects.get()
    for page in ("confirm", "end", "end"):
        client.post(f"/status/subscribe/{page}/{token_of(subscriber)}")
    ask(client)

    entries = AuditEntry.objects.about(subscriber).order_by("pk")
    assert [entry.verb for entry in entries] == ["state.active", "state.ended", "state.pending"]


def test_a_confirmation_that_was_overtaken_by_the_end_is_none() -> None:
    subscriber = make_subscriber(state=SubscriberState.PENDING)
    end(Subscriber.objects.get(), by=CUSTOMER, at=NOON)

    assert confirm(subscriber, at=NOON) is False
    assert Subscriber.objects.get().state == SubscriberState.ENDED


def test_a_second_press_of_the_same_button_confirms_as_well() -> None:
    make_subscriber(state=SubscriberState.PENDING)
    first, second = Subscriber.objects.get(), Subscriber.objects.get()

    assert [confirm(first, at=NOON), confirm(second, at=NOON)] == [True, True]


def test_what_waits_for_somebody_who_ended_it_is_skipped(client: Client) -> None:
    subscriber = make_subscriber()
    make_incident()

    client.post(f"/status/subscribe/end/{token_of(subscriber)}")

    assert write_notices(at=NOON) == 0
    assert Notice.objects.get().status == NoticeStatus.SKIPPED


def test_each_update_is_told_once(client: Client) -> None:
    make_subscriber()
    incident = make_incident()
    write_notices(at=NOON)
    later = NOON + timedelta(minutes=1)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=later)

    taken = [write_notices(at=later) for _ in range(3)]

    mails = OutgoingMail.objects.filter(name="status/update")
    assert taken == [1, 0, 0]
    assert [mail.subject for mail in mails.order_by("created_at")] == [
        "[Investigating] Slow answers",
        "[Resolved] Slow answers",
    ]


def test_the_mail_carries_the_one_click_headers() -> None:
    make_subscriber()
    make_incident()
    write_notices(at=NOON)

    mail = OutgoingMail.objects.get(name="status/update")

    headers = mail.headers
    assert (mail.is_secret, mail.is_bulk) == (True, True)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/status/subscribe/end/" in headers["List-Unsubscribe"]


def test_markup_in_an_incident_is_inert_in_its_mail() -> None:
    make_subscriber()
    nasty = "<script>alert(1)</script>\r\nBcc: eve@example.com"
    post_update(make_incident(name=nasty), make_update(body=nasty), by=SUPPORT, at=NOON)
    write_notices(at=NOON)

    mails = OutgoingMail.objects.filter(name="status/update")

    assert len(mails) == 2
    assert not [mail for mail in mails if "<script>" in mail.html_body or "\n" in mail.subject]


def test_only_those_whom_a_component_concerns_are_told() -> None:
    everything, api, jobs = (
        make_subscriber(f"{name}@example.com", *slugs)
        for name, slugs in (("all", ()), ("api", ("api",)), ("jobs", ("jobs",)))
    )

    make_incident(api=ComponentState.PARTIAL)

    told = set(Notice.objects.values_list("subscriber", flat=True))
    assert told == {everything.pk, api.pk}
    assert jobs.pk not in told


def test_maintenance_reaches_those_who_chose_its_component() -> None:
    make_subscriber("api@example.com", "api")

    make_maintenance(start=NOON.replace(day=10), end=NOON.replace(day=11))

    assert Notice.objects.count() == 1


def test_an_update_without_mail_tells_nobody() -> None:
    make_subscriber()
    incident = make_incident()
    Notice.objects.all().delete()

    quiet = make_update(IncidentStatus.MONITORING, "Still.")
    post_update(incident, type(quiet)(quiet.status, quiet.body, quiet.states, notify=False), by=SUPPORT, at=NOON)

    assert not Notice.objects.exists()


def test_a_bounce_stops_the_mail() -> None:
    subscriber = make_subscriber()
    make_incident()
    write_notices(at=NOON)

    emit("mail.bounced", mail=OutgoingMail.objects.get(name="status/update"), at=NOON)

    subscriber.refresh_from_db()
    assert subscriber.state == SubscriberState.BOUNCED


def make_crowd(count: int) -> None:
    Subscriber.objects.bulk_create(
        Subscriber(email=f"{number}@example.com", state=SubscriberState.ACTIVE, asked_at=NOON)
        for number in range(count)
    )


def test_ten_thousand_are_planned_in_bulk(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    """Five statements of two thousand rows each beside those that one recipient costs, and no mail rendered yet."""
    make_crowd(10_000)

    with django_assert_max_num_queries(30):
        make_incident()

    assert Notice.objects.count() == 10_000
    assert not OutgoingMail.objects.exists()


def test_a_notice_that_cannot_be_written_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    make_crowd(3)
    make_incident()
    broken = Notice.objects.order_by("pk")[0].pk
    link = subscriber_links.link

    def stumble(name: str, subscriber: Subscriber) -> str:
        if subscriber.notices.filter(pk=broken).exists():
            raise RuntimeError("This subscriber alone.")
        return link(name, subscriber)

    monkeypatch.setattr(emails, "link", stumble)

    assert write_notices(at=NOON) == 2
    assert [notice.pk for notice in Notice.objects.due()] == [broken]


def test_saving_an_incident_again_tells_nobody() -> None:
    make_crowd(1)
    incident = make_incident()
    Notice.objects.all().delete()

    incident.save(update_fields=["name", "updated_at"])

    assert not Notice.objects.exists()


def test_a_subscriber_may_have_an_address_called(client: Client) -> None:
    subscriber = make_subscriber()
    path = f"/status/subscribe/manage/{token_of(subscriber)}"

    client.post(path, {"what": "endpoint", "url": "https://hooks.example.com/status"})
    make_incident()

    assert Endpoint.objects.get().secret in client.get(path).text
    assert HookMessage.objects.get().type == "incident.updated"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://user:x@example.com/",
        "javascript:alert(1)",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
    ],
)
def test_an_address_that_must_not_be_called_is_refused(client: Client, url: str, settings) -> None:  # type: ignore[no-untyped-def]
    settings.DEBUG = False
    subscriber = make_subscriber()

    answer = client.post(f"/status/subscribe/manage/{token_of(subscriber)}", {"what": "endpoint", "url": url})

    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert not Endpoint.objects.exists()


def test_a_stranger_cannot_remove_anothers_address(client: Client) -> None:
    mine, other = make_subscriber(), make_subscriber("eve@example.com")
    client.post(f"/status/subscribe/manage/{token_of(mine)}", {"what": "endpoint", "url": "https://a.example.com/"})

    client.post(
        f"/status/subscribe/manage/{token_of(other)}",
        {"what": "remove", "endpoint": Endpoint.objects.get().public_id},
    )

    assert Endpoint.objects.exists()


@pytest.mark.parametrize("what", ["remove", "revive"])
@pytest.mark.parametrize("endpoint", ["", "\0", "🔥" * 5000, "../1"])
def test_an_address_that_is_none_is_left_alone(client: Client, what: str, endpoint: str) -> None:
    subscriber = make_subscriber()
    path = f"/status/subscribe/manage/{token_of(subscriber)}"
    client.post(path, {"what": "endpoint", "url": "https://hooks.example.com/status"})

    answer = client.post(path, {"what": what, "endpoint": endpoint})

    assert answer.status_code == 302
    assert Endpoint.objects.exists()
