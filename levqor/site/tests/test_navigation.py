"""Links lead only to pages that exist, and the page one is on is marked."""

from dataclasses import replace

import pytest
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from levqor.site.navigation import Page, links
from status.component_states import ComponentState
from status.live import BANNERS
from status.memory import memory
from testing.html import Document

SIGN_IN = Page("Sign in", "account_login")


def test_a_page_whose_room_is_missing_is_not_linked() -> None:
    assert [link.label for link in links([Page("Nowhere", "no_such:page"), SIGN_IN])] == ["Sign in"]


@pytest.mark.parametrize(
    ("path", "current"),
    [("/accounts/login/", "page"), ("/accounts/login/code/", "true"), ("/", ""), ("/accounts/", "")],
)
def test_the_page_one_is_on_is_marked(path: str, current: str) -> None:
    assert links([SIGN_IN], path=path)[0].current == current


def test_home_is_not_the_page_above_all_others() -> None:
    assert links([Page("Home", "site:home")], path="/accounts/login/")[0].current == ""


@pytest.mark.django_db
def test_the_footer_states_the_facts_of_the_company(client: Client, settings: Settings) -> None:
    settings.COMPANY_NUMBER, settings.REGISTERED_IN = "01234567", "England and Wales"
    settings.REGISTERED_OFFICE, settings.VAT_NUMBER = "1 High Street, London", "GB123456789"

    footer = Document(client.get("/").content.decode()).one("p", **{"class": "company"}).text

    assert footer == (
        "Levqor Ltd is registered in England and Wales under company number 01234567. "
        "Registered office: 1 High Street, London. VAT number GB123456789."
    )


@pytest.mark.django_db
def test_a_fact_that_is_not_known_is_not_made_up(client: Client, settings: Settings) -> None:
    settings.COMPANY_NUMBER = settings.REGISTERED_IN = settings.REGISTERED_OFFICE = settings.VAT_NUMBER = ""

    assert Document(client.get("/").content.decode()).one("p", **{"class": "company"}).text == "Levqor Ltd."


@pytest.mark.django_db
def test_missing_facts_are_told_to_whoever_deploys(settings: Settings) -> None:
    settings.COMPANY_NUMBER, settings.REGISTERED_IN, settings.REGISTERED_OFFICE = "", "England and Wales", ""

    found = [message for message in run_checks(include_deployment_checks=True) if message.id == "site.I001"]

    assert "COMPANY_NUMBER, REGISTERED_OFFICE" in found[0].msg
    assert not found[0].is_serious()


@pytest.mark.django_db
def test_the_footer_says_what_the_status_page_says(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(memory.live(), banner=BANNERS[ComponentState.MAJOR])
    monkeypatch.setattr(memory, "live", lambda: broken)

    footer = Document(client.get("/").content.decode()).one("p", **{"class": "footer-status"})

    assert footer.text == "Status: Major Service Outage"
