"""Random histories of failing invoices end as a simple oracle says, with and without a key, under losses and outages.

Each world holds the histories of some dozens of invoices and is named by its seed: run one again with
`pytest billing/tests/test_histories.py -k "[key-7]"`. All worlds together hold a thousand; `make soak` plays
them all, a proof some.
"""

import pytest
import stripe
from pytest_django import Settings

from billing.tests.world import InProcess, World
from levqor.mail import outbox
from levqor.mail.rendering import RenderedMail
from testing.soak import soak_all_but

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

WORLDS = 14
PEOPLE = 25  # with 1.5 invoices each


@pytest.fixture(autouse=True)
def _mails_are_counted_and_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "render", lambda name, context: RenderedMail(name, name, name))
    monkeypatch.setattr(outbox, "_hand_over", lambda mail: f"fake-{mail.pk}")


@pytest.mark.parametrize("seed", soak_all_but([7], range(WORLDS)))
@pytest.mark.parametrize("has_key", [True, False], ids=["key", "no-key"])
def test_histories_end_as_the_oracle_says(
    seed: int, has_key: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(seed, has_key=has_key, people=PEOPLE)
    settings.STRIPE_SECRET_KEY = world.fake.api_key if has_key else ""
    settings.STRIPE_LIVEMODE = False
    monkeypatch.setattr(stripe, "RequestsClient", lambda timeout: InProcess(world.fake))

    world.play()

    differences = world.differences()
    assert not differences, f"seed {seed}:\n" + "\n".join(differences)
