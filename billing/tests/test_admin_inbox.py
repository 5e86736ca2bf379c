from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from billing.models import StripeEvent
from billing.tests.make import Scene
from billing.tests.test_admin_case import TOKEN, staff_with
from levqor.audit.models import AuditEntry

INBOX = "/admin/billing/stripeevent/"


def failed_event(scene: Scene) -> StripeEvent:
    scene.fail()
    event = StripeEvent.objects.filter(type="invoice.payment_failed").latest("pk")
    StripeEvent.objects.filter(pk=event.pk).update(status="failed", attempts=8, error="ValueError: odd")
    event.refresh_from_db()
    return event


def again(client: Client, event: StripeEvent) -> str:
    url = reverse("admin:billing_stripeevent_again", args=[event.pk])
    return client.post(url, {"reason": "bug is fixed", "token": TOKEN}, follow=True).content.decode()


def operator() -> Client:
    return staff_with("view_stripeevent", "change_stripeevent")


def test_a_failed_event_is_processed_again_with_its_reason(scene: Scene) -> None:
    event = failed_event(scene)

    again(operator(), event)

    event.refresh_from_db()
    assert (event.status, event.attempts) == ("stored", 0)
    assert AuditEntry.objects.about(event).get().reason == "bug is fixed"


def test_processing_again_twice_is_told_and_no_error(scene: Scene) -> None:
    event = failed_event(scene)
    client = operator()
    again(client, event)

    assert "cannot become" in again(client, event)


def test_the_body_is_for_those_who_may_process(scene: Scene) -> None:
    event = failed_event(scene)
    url = reverse("admin:billing_stripeevent_change", args=[event.pk])

    assert "customer_email" in operator().get(url).content.decode()
    assert "customer_email" not in staff_with("view_stripeevent").get(url).content.decode()


def test_a_body_with_half_of_a_surrogate_pair_is_shown(scene: Scene) -> None:
    event = failed_event(scene)
    StripeEvent.objects.filter(pk=event.pk).update(body=b'{"id": "evt_1", "type": "x", "name": "\\ud83d"}')

    answer = operator().get(reverse("admin:billing_stripeevent_change", args=[event.pk]))

    assert (answer.status_code, "\\ud83d" in answer.content.decode()) == (200, True)


def test_a_reader_cannot_process_again(scene: Scene) -> None:
    event = failed_event(scene)

    url = reverse("admin:billing_stripeevent_again", args=[event.pk])
    assert staff_with("view_stripeevent").post(url, {"reason": "let me", "token": TOKEN}).status_code == 403
    event.refresh_from_db()
    assert event.status == "failed"


def test_the_inbox_costs_the_same_with_more_events(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    failed_event(scene)
    client = operator()

    with django_assert_num_queries(6):
        assert client.get(f"{INBOX}?status__exact=failed").status_code == 200
