"""What no browser sends in the place of a key is refused, for strangers and for whoever is signed in."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from levqor.accounts.tests.make import is_signed_in, make_user, prove_it_is_you, sign_in

pytestmark = pytest.mark.django_db

PARTS = '"clientDataJSON":"{data}","attestationObject":"{made}","authenticatorData":"{seen}","signature":"AA"'
KEY = '{{"id":"AA","rawId":"AA","type":"public-key","response":{{' + PARTS + ',"userHandle":"{handle}"}}}}'
UNREADABLE = [
    "",
    "nonsense",
    "[]",
    "null",
    "{}",
    '{"id": 1}',
    '{"id":"é","rawId":"!!","type":"x","response":{"clientDataJSON":1}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":5}',
    KEY.format(data="AA", made="AA", seen="AA", handle="AA"),
    KEY.format(data="e30", made="oA", seen="AA", handle="MQ"),
    KEY.format(data="e30", made="oA", seen="A" * 60, handle="MQ"),
    KEY.format(data="e30", made="oA", seen="A" * 60, handle="_____w"),
]


@pytest.mark.parametrize("credential", UNREADABLE)
def test_a_stranger_is_not_signed_in_by_it(client: Client, credential: str) -> None:
    make_user()
    client.get("/accounts/2fa/webauthn/login/")

    answer = client.post("/accounts/2fa/webauthn/login/", {"credential": credential}, follow=True)

    assert answer.status_code == 200
    assert not is_signed_in(client)


@pytest.mark.parametrize("credential", UNREADABLE)
def test_nothing_is_added_by_it(client: Client, credential: str) -> None:
    make_user()
    sign_in(client)
    prove_it_is_you(client)
    client.get("/accounts/2fa/webauthn/add/")

    answer = client.post("/accounts/2fa/webauthn/add/", {"name": "x", "credential": credential})

    assert answer.status_code == 200
    assert not Authenticator.objects.exists()
