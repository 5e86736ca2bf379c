"""What staff do with the webhooks of customers: send again, switch, try out; and nobody without the right to."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from levqor.accounts.models import User
from levqor.audit.models import AuditEntry
from levqor.hooks.models import Delivery, DeliveryStatus, Endpoint
from levqor.hooks.tests.make import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db
DELIVERIES, ENDPOINTS = "/admin/hooks/delivery/", "/admin/hooks/endpoint/"


@pytest.fixture
def act(client: Client):  # type: ignore[no-untyped-def]
    """Carries an action out on one row, as staff with these rights."""

    def carry_out(url: str, action: str, row: Delivery | Endpoint, *rights: str) -> str:
        user = User.objects.create_user("ann@levqor.test", "a long enough passphrase", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="hooks"))
        client.force_login(user)
        return client.post(url, {"action": action, "_selected_action": [row.pk]}, follow=True).text

    return carry_out


def test_what_was_given_up_goes_out_again(act) -> None:  # type: ignore[no-untyped-def]
    delivery = make_delivery()
    Delivery.objects.update(status=DeliveryStatus.FAILED, attempts=10)

    shown = act(DELIVERIES, "send_again", delivery, "view_delivery", "change_delivery")

    delivery.refresh_from_db()
    assert "1 delivery goes out again" in shown
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 0)
    assert AuditEntry.objects.about(delivery).get().reason == "Sent again by hand."


def test_what_is_under_way_is_left_alone(act) -> None:  # type: ignore[no-untyped-def]
    assert "left alone" in act(DELIVERIES, "send_again", make_delivery(), "view_delivery", "change_delivery")


@pytest.mark.parametrize(
    ("action", "verb"), [("switch_off", "endpoint.switched_off"), ("switch_on", "endpoint.switched_on")]
)
def test_an_endpoint_is_switched(act, action: str, verb: str) -> None:  # type: ignore[no-untyped-def]
    endpoint = make_endpoint()
    if action == "switch_on":
        Endpoint.objects.update(disabled_at=endpoint.created_at)

    act(ENDPOINTS, action, endpoint, "view_endpoint", "change_endpoint")

    assert Endpoint.objects.get().is_live == (action == "switch_on")
    assert [entry.verb for entry in AuditEntry.objects.about(endpoint)] == [verb]


def test_a_test_is_sent(act) -> None:  # type: ignore[no-untyped-def]
    act(ENDPOINTS, "send_test", make_endpoint(), "view_endpoint", "change_endpoint")

    assert Delivery.objects.get().message.type == "endpoint.test"


@pytest.mark.parametrize("action", ["switch_off", "send_test"])
def test_who_may_only_read_switches_nothing(act, action: str) -> None:  # type: ignore[no-untyped-def]
    act(ENDPOINTS, action, make_endpoint(), "view_endpoint")

    assert Endpoint.objects.get().is_live
    assert not Delivery.objects.exists()
