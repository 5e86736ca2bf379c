"""Prices are the same wherever they stand, and what belongs together is linked; levqor/site walks every link."""

from urllib.parse import urldefrag

import pytest
from django.test import Client

from legal.models import DfyPackage
from levqor.accounts.models import Plan
from testing.html import Document

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/pricing", "/dfy-agreement", "/delivery"])
def test_packages_have_one_price_everywhere(client: Client, path: str) -> None:
    text = client.get(path).content.decode()

    assert all(package.price in text and package.delivery in text for package in DfyPackage.objects.all())


def test_a_price_that_the_agreement_does_not_have_yet_is_told(client: Client) -> None:
    assert "has just changed" not in client.get("/pricing").content.decode()

    DfyPackage.objects.filter(slug="growth").update(price_cents=25900)

    assert "Growth Build: what it costs or includes has just changed." in client.get("/pricing").content.decode()


@pytest.mark.parametrize("path", ["/pricing", "/terms", "/sla"])
def test_plans_have_one_price_everywhere(client: Client, path: str) -> None:
    text = client.get(path).content.decode()

    assert all(plan.price in text for plan in Plan.objects.all())


@pytest.mark.parametrize(
    ("path", "targets"),
    [
        *[(path, {"/dfy-agreement"}) for path in ("/pricing", "/delivery", "/revisions", "/onboarding")],
        ("/dfy-agreement", {"/terms", "/privacy", "/refunds", "/acceptable-use"}),
        ("/sla", {"/refunds", "/fair-use", "/disputes"}),
        ("/refunds", {"/sla", "/fair-use", "/disputes"}),
        ("/fair-use", {"/sla", "/refunds", "/disputes"}),
        ("/disputes", {"/sla", "/refunds", "/fair-use"}),
    ],
)
def test_what_belongs_together_is_linked_in_the_text_itself(client: Client, path: str, targets: set[str]) -> None:
    page = client.get(path).content.decode()
    # The footer links to every policy anyway.
    text = Document(page.partition("<main")[2].partition("</main>")[0])

    assert targets <= {urldefrag(link.get("href")).url for link in text.all("a")}
