"""Staff come into the back office by the same door as everybody, with its limits and second factors."""

import pytest
from django.test import Client

from levqor.accounts.tests.make import code_sent_to, make_user, sign_in

pytestmark = pytest.mark.django_db


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client: Client) -> None:
    make_user(is_staff=True, is_superuser=True)
    to_login = client.get("/admin/", follow=True)
    assert to_login.redirect_chain[-1][0].startswith("/accounts/login/?next=")

    answer = client.post(
        to_login.redirect_chain[-1][0],
        {"login": "ada@example.com", "password": "correct horse battery staple"},
        follow=True,
    )

    assert (answer.request["PATH_INFO"], answer.status_code) == ("/admin/", 200)


def test_the_admins_own_login_form_is_not_served(client: Client) -> None:
    assert client.get("/admin/login/").status_code == 302
    assert client.post("/admin/login/", {"username": "ada@example.com", "password": "x"}).status_code == 302


def test_staff_sign_in_by_code_too(client: Client) -> None:
    make_user(is_staff=True, is_superuser=True)
    page = client.post("/accounts/login/code/", {"email": "ada@example.com"}).headers["Location"]

    client.post(page, {"code": code_sent_to()})

    assert client.get("/admin/").status_code == 200


def test_a_customer_who_signed_in_is_refused(client: Client) -> None:
    make_user()
    sign_in(client)

    assert client.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}])
def test_staff_who_left_are_out_at_once(client: Client, change: dict[str, bool]) -> None:
    user = make_user(is_staff=True, is_superuser=True)
    sign_in(client)
    assert client.get("/admin/").status_code == 200

    type(user).objects.filter(pk=user.pk).update(**change)

    assert client.get("/admin/").status_code == 302
