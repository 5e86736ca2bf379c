"""The documentation: complete, drawn from the code, safe to translate, and every sample of it works."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from developer import reference
from developer.admission import QUOTAS, Month
from developer.meanings import MEANINGS
from developer.models import ApiKey, SandboxJob
from developer.samples import EXAMPLE_IDS, Sample, call_of, samples_of
from developer.tests.make import NOW, make_account, make_key, use_up
from levqor.accounts.models import Plan
from levqor.lib.problems import Code
from testing.html import Document

pytestmark = pytest.mark.django_db

SANDBOX = ["get_metrics", "create_job", "list_jobs", "get_job", "get_usage"]
PAGES = ["/developer", "/developer/docs", "/developer/docs/errors/quota_exceeded"]


@pytest.mark.parametrize("code", Code, ids=lambda code: code.code)
def test_the_type_of_every_problem_opens_its_page(client: Client, code: Code) -> None:
    page = Document(client.get(f"/developer/docs/errors/{code.code}").content.decode())

    assert page.one("h1").text == code.title
    assert MEANINGS[code] in " ".join(part.text for part in page.all("p"))


def test_an_unknown_error_is_not_explained(client: Client) -> None:
    assert client.get("/developer/docs/errors/made_up").status_code == 404


def test_every_endpoint_has_its_place_with_three_samples(client: Client) -> None:
    page = client.get("/developer/docs").content.decode()

    assert {*SANDBOX, "submit_claim"} <= {endpoint.slug for endpoint in reference.endpoints()}
    for endpoint in reference.endpoints():
        assert f'<h2 id="{endpoint.slug}">' in page
        assert [sample.language for sample in endpoint.samples] == ["cURL", "JavaScript", "Python"]


def test_the_tiers_are_those_of_the_code(client: Client) -> None:
    page = client.get("/developer/docs").content.decode()

    for quota in QUOTAS.values():
        assert f'<td class="number">{"unlimited" if quota is None else f"{quota:,}"}</td>' in page


@pytest.mark.parametrize("path", ["/developer/docs", "/developer/docs/errors/quota_exceeded"])
def test_a_spent_quota_is_something_to_stop_at(client: Client, path: str) -> None:
    assert "stop and tell somebody; do not wait" in client.get(path).content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_no_browser_translates_code(client: Client, path: str) -> None:
    html = client.get(path).content.decode()
    page = Document(html)

    assert page.one("html").attributes["lang"] == "en-GB"
    assert html.count("<code") == html.count('<code translate="no">') + html.count("<code>")
    # A block carries the mark on its `pre`, and nothing else has a `code` without one.
    assert html.count("<code>") == html.count('<pre translate="no"')


def test_what_is_copied_is_what_stands_in_the_source(client: Client) -> None:
    page = Document(client.get("/developer/docs").content.decode())
    copied = {button.attributes["data-copy"] for button in page.all("button") if "data-copy" in button.attributes}

    for endpoint in reference.endpoints():
        for sample in endpoint.samples:
            assert sample.code in copied
            assert sample.code == sample.code.strip()
            assert not any(line.endswith(" ") or line.startswith("$ ") for line in sample.code.splitlines())
            assert not set(sample.code) & set("“”‘’…\u00ad\u200b")


# Every sample is run


def samples(key: str) -> list[tuple[str, Sample]]:
    return [
        (op["operationId"], sample)
        for path, method, op in reference.operations()
        if op["tags"][0] in reference.IN_FULL
        for sample in samples_of(call_of(path, method, op, key=key))
    ]


@pytest.fixture
def key(live_server: LiveServer, settings: Settings) -> str:
    settings.API_URL = live_server.url
    if not Plan.objects.exists():
        # A test on a live server finds what the migrations made gone after another.
        import_module("levqor.accounts.migrations.0003_plans_and_sla_terms").create_rows(apps, None)
    account = make_account()
    SandboxJob.objects.create(job_id=EXAMPLE_IDS["job_id"], account=account, created_at=NOW)
    return make_key(account)[0]


def run(sample: Sample, browser: Browser | None = None) -> str:
    """What the sample prints, or how it complains."""
    if sample.slug == "javascript":
        assert browser is not None
        page = browser.new_page()
        # What is not open to scripts of other origins runs at ours, as it would on a server.
        page.goto(f"{settings.API_URL}/health")
        script = (
            f"async () => {{ try {{ {sample.code}; return JSON.stringify(body) }} catch (e) {{ return e.message }} }}"
        )
        return str(page.evaluate(script))
    command = ["sh", "-c", sample.code] if sample.slug == "curl" else [sys.executable, "-c", sample.code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=dict(os.environ))
    return done.stdout or done.stderr


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_every_sample_works_as_it_stands(key: str, chromium: Browser) -> None:
    failed = {}
    for name, sample in samples(key):
        said = run(sample, chromium)
        if ("sandbox_mode" if name in SANDBOX else "reference") not in said:
            failed[name, sample.slug] = said

    assert failed == {}


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_with_the_quota_spent_every_sample_ends_and_names_the_date(key: str, chromium: Browser) -> None:
    month = Month.of(timezone.now())
    use_up(ApiKey.objects.get().account, 1000, month=month.name)
    metered = [(name, sample) for name, sample in samples(key) if name in SANDBOX and name != "get_usage"]

    answers: dict[Any, str] = {(name, sample.slug): run(sample, chromium) for name, sample in metered}

    wanted = f"{month.end:%Y-%m-%d}T00:00:00.000Z"
    assert {place: said for place, said in answers.items() if "quota_exceeded" not in said or wanted not in said} == {}
