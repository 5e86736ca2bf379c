"""Our own check of Stripe's signature against the SDK's, which is the reference."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from billing.webhooks import is_genuine, sign

SECRET = "whsec_oracle"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIGNED_AT = int(NOW.timestamp())

bodies = st.text(st.characters(codec="utf-8"), max_size=200)
secrets = st.sampled_from([SECRET, "whsec_other", "whsec_é"])
parts = st.one_of(
    st.sampled_from([f"t={SIGNED_AT}", f"t={SIGNED_AT - 86400}", "t=", "t", "v1=", "v1", "v0=abc", " ", ""]),
    st.text(max_size=12).filter(lambda text: "," not in text),
)


@pytest.fixture(autouse=True)
def _secret(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


def sdk_accepts(body: bytes, header: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, SECRET, None)
    except stripe.SignatureVerificationError:
        return False
    return True


@given(body=bodies, secret=secrets)
def test_what_the_sdk_signed_is_judged_as_the_sdk_judges_it(body: str, secret: str) -> None:
    header = sign(body.encode(), secret, at=NOW)

    assert is_genuine(body.encode(), header, at=NOW) is sdk_accepts(body.encode(), header) is (secret == SECRET)


@given(body=bodies, before=st.lists(parts, max_size=3), after=st.lists(parts, max_size=3), keep=st.booleans())
def test_no_header_passes_that_the_sdk_refuses(body: str, before: list[str], after: list[str], keep: bool) -> None:
    signature = sign(body.encode(), SECRET, at=NOW)
    header = ",".join([*before, signature if keep else signature.partition(",")[2], *after])

    assert not is_genuine(body.encode(), header, at=NOW) or sdk_accepts(body.encode(), header)


@given(body=st.text(min_size=1, max_size=80).filter(str.isascii), place=st.integers(0, 79), bit=st.integers(0, 6))
def test_one_bit_changed_is_refused(body: str, place: int, bit: int) -> None:
    header = sign(body.encode(), SECRET, at=NOW)
    changed = bytearray(body.encode())
    changed[place % len(changed)] ^= 1 << bit

    assert not is_genuine(bytes(changed), header, at=NOW)


@given(seconds=st.integers(-100_000, 100_000))
def test_five_minutes_either_way_and_no_more(seconds: int) -> None:
    header = sign(b"{}", SECRET, at=NOW + timedelta(seconds=seconds))

    assert is_genuine(b"{}", header, at=NOW) is (abs(seconds) <= 300)
