"""Each press of the payment link's button makes a page at Stripe: so many an hour, and no more."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from billing.pay_links import pay_url
from billing.tests.make import Scene
from billing.views import PAYING_BY_CASE, PAYING_BY_NETWORK
from levqor.guard.models import LimitSlot


def press(link: str, network: str = "203.0.113.7") -> Any:
    return Client().post(urlsplit(link).path, REMOTE_ADDR=network)


def link_to_a_case(scene: Scene) -> str:
    return pay_url(scene.case(scene.fail(next_attempt=None)))


def test_a_customer_may_press_the_button_again_and_again(scene: Scene) -> None:
    link = link_to_a_case(scene)

    assert {press(link).status_code for _ in range(PAYING_BY_CASE.per_hour)} == {302}


def test_too_many_presses_are_told_when_to_come_back(scene: Scene) -> None:
    link = link_to_a_case(scene)
    for _ in range(PAYING_BY_CASE.per_hour):
        press(link)

    refused = press(link)

    assert (refused.status_code, refused.headers["Content-Type"].split(";")[0]) == (429, "text/html")
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert "Wait 1 hour" in refused.content.decode()


def test_one_network_cannot_press_for_everybody(scene: Scene) -> None:
    links = [link_to_a_case(scene) for _ in range(PAYING_BY_NETWORK.per_hour // PAYING_BY_CASE.per_hour + 1)]
    for link in links[:-1]:
        for _ in range(PAYING_BY_CASE.per_hour):
            press(link)

    assert press(links[-1]).status_code == 429
    assert press(links[-1], "203.0.113.8").status_code == 302


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_page_is_not_counted(scene: Scene, method: str) -> None:
    link = link_to_a_case(scene)

    assert getattr(Client(), method)(urlsplit(link).path).status_code == 200
    assert not LimitSlot.objects.exists()
