"""Documents are written, previewed, compared and published in a real browser, by two people."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from legal.models import DocumentVersion, VersionStatus
from legal.tests.make import make_acceptance, make_staff, need_rows
from levqor.accounts.models import User
from levqor.lib.testing.browser import OpenBrowser, Scheme, Window
from levqor.lib.testing.soak import soak_all_but

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

VIEWS: list[tuple[Scheme, int]] = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
WORDS = "\n\n## Late parcels {#late-parcels}\n\n1. We answer **within an hour**. {#an-hour}\n"
# What would run if a preview let it, and what shows that it did.
HOSTILE = """
1. <script>window.ran = "script"</script> <img src="/nothing" onerror="window.ran = 'picture'">
1. <svg onload="window.ran = 'drawing'"></svg> <a href="javascript:window.ran = 'link'">raw</a>
1. [press me](javascript:window.ran='markdown') and [me](data:text/html,<script>window.ran='data'</script>)
"""
DANGEROUS = "script, img, svg, iframe, object, [onerror], [onload], [onclick], a[href^='javascript'], a[href^='data']"


def of_group(name: str) -> User:
    user = make_staff(name.lower(), full_name=f"Sam {name}")
    user.groups.add(Group.objects.get(name=name))
    return user


@pytest.fixture
def support(db: None) -> User:
    need_rows()
    return of_group("Support")


def open_draft(window: Window) -> None:
    """From the list of documents to the editor of the refund policy's draft."""
    window.go("/admin/legal/document/")
    row = window.page.get_by_role("row").filter(has_text="Refund policy")
    row.get_by_role("link", name="Write a new version").click()
    window.click("Open the draft")


def add(window: Window, words: str) -> None:
    source = window.page.get_by_label("Text (Markdown)")
    source.press("Control+End")
    source.press_sequentially(words) if len(words) < 40 else source.fill(source.input_value() + words)


def draft() -> DocumentVersion:
    return DocumentVersion.objects.get(document__slug="refunds", status=VersionStatus.DRAFT)


def test_what_is_typed_shows_at_once_and_is_not_saved(open_browser: OpenBrowser, support: User) -> None:
    window = open_browser(support)
    open_draft(window)
    preview = window.page.locator("#legal-preview")

    add(window, WORDS)
    expect(preview.locator("strong", has_text="within an hour")).to_be_visible()
    expect(preview.get_by_role("heading", name="Late parcels")).to_be_visible()
    add(window, "\n1. Typed **by hand**.")
    expect(preview.locator("strong", has_text="by hand")).to_be_visible()
    assert "within an hour" not in draft().source


def test_nothing_in_a_preview_runs(open_browser: OpenBrowser, support: User) -> None:
    window = open_browser(support)
    open_draft(window)
    preview = window.page.locator("#legal-preview")

    add(window, WORDS + HOSTILE)
    expect(preview).to_contain_text('<script>window.ran = "script"</script>')
    assert preview.locator(DANGEROUS).count() == 0
    window.click("Save")
    window.click("What changes")
    assert window.page.locator(".difference").locator(DANGEROUS).count() == 0
    assert window.page.evaluate("window.ran") is None


def test_whoever_was_signed_out_is_told_and_goes_on(open_browser: OpenBrowser, support: User) -> None:
    window = open_browser(support)
    open_draft(window)
    context, stale = window.page.context, window.page.locator("#legal-preview-stale")
    session = [cookie for cookie in context.cookies() if cookie["name"] == settings.SESSION_COOKIE_NAME]

    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    add(window, WORDS)
    expect(stale).to_be_visible()
    assert "within an hour" not in window.page.locator("#legal-preview").inner_text()
    context.add_cookies(session)  # type: ignore[arg-type]  # what the browser gave
    add(window, "\n1. More.")
    expect(stale).to_be_hidden()


def test_one_writes_and_another_announces_it(open_browser: OpenBrowser, support: User) -> None:
    author, publisher, reader = open_browser(support), open_browser(of_group("Finance")), open_browser()
    open_draft(author)
    add(author, WORDS)
    author.page.get_by_label("What changes, and why?").fill("Parcels come later than before.")
    author.click("Save and see what changes")
    assert author.page.locator("ins").filter(has_text="within an hour").count() == 1
    assert author.go(f"/admin/legal/documentversion/{draft().pk}/publish/").title().startswith("You may not")

    publisher.go("/admin/legal/document/")
    publisher.page.get_by_role("row").filter(has_text="Refund policy").get_by_role("link", name="draft").click()
    publisher.click("Publish…")
    assert publisher.page.locator("ins").filter(has_text="within an hour").count() == 1
    publisher.page.get_by_label("In force from").fill("2096-12-01")
    publisher.click("Publish")
    expect(publisher.page.get_by_text("is published: announced")).to_be_visible()

    assert "Parcels come later than before." in reader.go("/refunds").locator(".notice").inner_text()
    assert "within an hour" in reader.go("/legal/refunds/diff/1/2").locator(".difference ins").last.inner_text()


def test_nobody_publishes_their_own_words(open_browser: OpenBrowser, support: User) -> None:
    support.groups.add(Group.objects.get(name="Finance"))
    window = open_browser(support)
    open_draft(window)
    add(window, WORDS)
    window.click("Save")

    window.click("Publish…")
    expect(window.page.get_by_text("somebody else has to publish it").first).to_be_visible()
    assert window.page.get_by_role("button", name="Publish", exact=True).count() == 0


def test_the_editor_works_without_script(open_browser: OpenBrowser, support: User) -> None:
    window = open_browser(support, script=False)
    open_draft(window)
    source = window.page.get_by_label("Text (Markdown)")
    source.fill(source.input_value() + WORDS)

    window.click("Preview without saving")
    assert "within an hour" in window.page.locator("#legal-preview").inner_text()
    assert "within an hour" not in draft().source


@pytest.mark.parametrize(("scheme", "width"), soak_all_but([1, 2], VIEWS))
def test_no_page_puts_up_a_barrier(open_browser: OpenBrowser, support: User, scheme: Scheme, width: int) -> None:
    support.groups.add(Group.objects.get(name="Finance"))
    window = open_browser(support, scheme=scheme, width=width)
    open_draft(window)
    acceptance, version = make_acceptance().pk, DocumentVersion.objects.get(document__slug="terms").pk
    pages = [
        "document/",
        "documentversion/",
        f"documentversion/{draft().pk}/change/",
        *(f"documentversion/{draft().pk}/{verb}/" for verb in ("changes", "publish", "discard")),
        f"documentversion/{version}/change/",
        "dfypackage/",
        "acceptance/",
        f"acceptance/{acceptance}/change/",
        f"acceptance/{acceptance}/erase/",
    ]

    found = {path: window.barriers() for path in pages if window.go(f"/admin/legal/{path}")}
    assert {path: barriers for path, barriers in found.items() if barriers} == {}
