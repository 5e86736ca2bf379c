import re

import pytest
from django.test import Client

from levqor.accounts.tests.make import make_user, prove_it_is_you, sign_in

pytestmark = pytest.mark.django_db

FOR_EVERYBODY = ["login/", "login/code/", "signup/", "password/reset/", "inactive/"]
FOR_MEMBERS = [
    "email/", "password/change/", "logout/", "2fa/", "2fa/totp/activate/", "2fa/webauthn/", "2fa/webauthn/add/",
]  # fmt: skip


def assert_is_ours(page: str) -> None:
    """In the frame and the styles of the site, and none of allauth's own bare pages."""
    assert "css/site" in page
    assert 'class="site-header"' in page
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert "Menu:" not in page


@pytest.mark.parametrize("path", FOR_EVERYBODY)
def test_a_page_for_everybody_is_one_of_ours(client: Client, path: str) -> None:
    answer = client.get(f"/accounts/{path}")

    assert answer.status_code == 200
    assert_is_ours(answer.content.decode())


@pytest.mark.parametrize("path", FOR_MEMBERS)
def test_a_page_for_members_is_one_of_ours_and_asks_strangers_to_sign_in(client: Client, path: str) -> None:
    make_user()
    refused = client.get(f"/accounts/{path}")
    sign_in(client)
    prove_it_is_you(client)

    answer = client.get(f"/accounts/{path}")

    assert refused.status_code == 302
    assert answer.status_code == 200, answer.headers
    assert_is_ours(answer.content.decode())


@pytest.mark.parametrize("path", [*FOR_EVERYBODY, *FOR_MEMBERS])
def test_a_page_runs_under_the_strict_policy(client: Client, path: str) -> None:
    make_user()
    if path in FOR_MEMBERS:
        sign_in(client)
        prove_it_is_you(client)

    answer = client.get(f"/accounts/{path}")

    page = answer.content.decode()
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/(ld\+)?json)[^>]*>", page)
    assert not re.search(r'<[^>]+ (style|on[a-z]+)="', page)
