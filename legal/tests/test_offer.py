"""Nothing is offered that the agreement in force contradicts."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from legal.acceptance import OutdatedError, accept
from legal.models import DfyPackage, DocumentVersion
from legal.offer import standing
from legal.tests.make import HERE, make_declaration, renew
from testing.html import Document

pytestmark = pytest.mark.django_db


def names(packages: list[DfyPackage]) -> list[str]:
    return [package.name for package in packages]


def test_every_package_on_sale_is_offered_as_the_agreement_states_it() -> None:
    offer = standing(at=timezone.now())

    assert names(offer.packages) == ["Starter Build", "Growth Build", "Pro Build"]
    assert offer.waiting == []


@pytest.mark.parametrize("change", [{"price_cents": 26900}, {"workflows": 4}, {"revisions": 9}], ids=str)
def test_a_changed_package_waits_for_a_new_version_of_the_agreement(change: dict[str, int]) -> None:
    DfyPackage.objects.filter(slug="growth").update(**change)
    assert names(standing(at=timezone.now()).waiting) == ["Growth Build"]

    renew("dfy-agreement")
    assert standing(at=timezone.now()).waiting == []


def test_the_form_says_which_package_waits(client: Client) -> None:
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)

    page = Document(client.get("/dfy-agreement").content.decode())
    assert [field.get("value") for field in page.all("input") if field.get("name") == "package"] == ["starter", "pro"]
    assert (
        "Growth Build: what it costs or includes has just changed."
        in page.one("section", **{"class": "order no-print"}).text
    )


def test_what_waits_is_not_accepted() -> None:
    DfyPackage.objects.filter(slug="growth").update(workflows=4)

    with pytest.raises(OutdatedError, match="its agreement is being renewed"):
        accept(make_declaration(), HERE, at=timezone.now())


def test_without_one_of_the_documents_nothing_is_offered() -> None:
    before = DocumentVersion.objects.earliest("effective_at").effective_at
    assert before is not None

    offer = standing(at=before - timedelta(days=1))
    assert (offer.versions, offer.packages, offer.waiting) == ([], [], [])
