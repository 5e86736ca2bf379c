"""What support does every day, in a real browser, counted in clicks: at most three from the first page to the decision.

Pressing Enter in the search box counts as a click. The deed itself takes two: the verb, and "yes" beneath the reason.
"""

import pytest
from playwright.sync_api import expect

from billing.models import DunningPolicy, Flag, PaymentFailure, StripeEvent
from levqor.accounts.models import Account, User
from levqor.audit.models import AuditEntry
from levqor.desk.schedule import ensure_rows
from levqor.desk.tests.make import make_admin, make_demo, make_event, make_staff
from levqor.lib.testing.browser import OpenBrowser, Window

pytestmark = pytest.mark.proof
FIND = "Find a customer, an invoice or a mail"


@pytest.fixture
def sam(db: None) -> User:
    make_demo()
    return make_staff("Support")


def case_of(name: str) -> PaymentFailure:
    return PaymentFailure.objects.select_related("account").get(account__name=name)


def find(open_browser: OpenBrowser, user: User, words: str) -> Window:
    """From the first page to a case, with one click."""
    window = open_browser(user, width=1440)
    window.go("/admin/")
    window.submit(FIND, words)
    return window


def decide(window: Window, verb: str, *, reason: str = "as agreed on the phone", done: str) -> None:
    """The verb, the reason, and "yes": the case is then where the person began, and says that it is done."""
    window.click(verb)
    window.page.get_by_label("Why?").fill(reason)
    window.click(verb)
    expect(window.page.get_by_text(done)).to_be_visible()
    assert window.clicks <= 3


@pytest.mark.parametrize("field", ["email", "number"])
def test_a_case_is_found_with_one_click(open_browser: OpenBrowser, sam: User, field: str) -> None:
    case = case_of("Oakfield Studio")

    window = find(open_browser, sam, case.account.billing_email if field == "email" else case.invoice_number)

    expect(window.page.get_by_role("heading", name="What to do here")).to_be_visible()
    assert case.invoice_number in window.text
    assert window.clicks == 1


def test_a_case_is_paused_until_a_date_and_says_so(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Oakfield Studio")

    decide(window, "Pause", reason="New card on Friday", done="The case is paused.")

    assert "New card on Friday" in window.text
    assert case_of("Oakfield Studio").paused_until


@pytest.mark.soak
def test_a_paused_case_is_resumed(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Sakura Print")

    decide(window, "Resume", done="The case goes on.")

    assert case_of("Sakura Print").paused_at is None


@pytest.mark.soak
def test_a_step_is_skipped(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Oakfield Studio")

    decide(window, "Skip a step", done="The step is skipped.")

    assert case_of("Oakfield Studio").steps.filter(status="skipped").count() == 1


def test_a_mail_is_read_before_it_is_sent_again(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Oakfield Studio")
    window.click("Resend a mail")

    window.page.get_by_text("Read it before it goes").click()
    expect(window.page.frame_locator("details iframe").get_by_text("£99.00").first).to_be_visible()
    window.page.get_by_label("Why?").fill("They lost it")
    window.click("Resend a mail")

    expect(window.page.get_by_text("The mail is on its way.")).to_be_visible()
    assert case_of("Oakfield Studio").emails.filter(email_type="manual").count() == 1


@pytest.mark.soak
def test_a_case_is_stopped(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Fernhill Bakery")

    decide(window, "Stop the case", done="The case is stopped.")

    assert case_of("Fernhill Bakery").status == "closed"


@pytest.mark.soak
def test_an_account_is_exempted(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Kestrel Analytics")

    decide(window, "Exempt the account", done="The account is exempt.")

    assert Account.objects.get(name="Kestrel Analytics").is_exempt_from_dunning


@pytest.mark.soak
def test_a_suspended_account_is_restored(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Milltown Cycles")

    decide(window, "Restore the account", done="The account is restored.")

    assert Account.objects.get(name="Milltown Cycles").standing == "past_due"


def test_a_bounce_is_dealt_with_from_the_first_page(open_browser: OpenBrowser, sam: User) -> None:
    window = open_browser(sam)
    window.go("/admin/")
    case = case_of("Harbour & Finch")
    window.click(f"{case.account}, invoice {case}, {case.amount}")

    decide(window, "Dealt with", done="The flag is off.")

    assert case_of("Harbour & Finch").flag == ""


@pytest.mark.soak
def test_an_account_is_suspended_by_a_person(open_browser: OpenBrowser, sam: User) -> None:
    PaymentFailure.objects.filter(pk=case_of("Kestrel Analytics").pk).update(status="exhausted", flag=Flag.BOUNCED)
    window = find(open_browser, sam, "Kestrel Analytics")

    decide(window, "Suspend now", done="The account is suspended.")

    assert Account.objects.get(name="Kestrel Analytics").standing == "suspended"


@pytest.mark.soak
def test_a_mail_is_read_as_it_was_sent(open_browser: OpenBrowser, sam: User) -> None:
    window = find(open_browser, sam, "Oakfield Studio")

    window.click("Read it as sent")

    expect(window.page.frame_locator("iframe.letter").get_by_text("£99.00").first).to_be_visible()
    assert window.clicks == 2


@pytest.mark.soak
def test_a_failed_event_is_processed_again(open_browser: OpenBrowser, sam: User) -> None:
    event = make_event(status="failed", error="ValueError: odd")
    window = open_browser(sam)
    window.go("/admin/billing/stripeevent/?status__exact=failed")
    window.page.locator("#result_list tbody a").first.click()

    decide(window, "Process again", done="The event is in the inbox again")

    event.refresh_from_db()
    assert event.status == "stored"
    assert AuditEntry.objects.about(event).get().reason == "as agreed on the phone"


def test_several_events_are_processed_again_together(open_browser: OpenBrowser, sam: User) -> None:
    for _ in range(3):
        make_event(status="failed", error="ValueError: odd")
    window = open_browser(sam)
    window.go("/admin/billing/stripeevent/")

    window.page.get_by_role("checkbox").first.check()
    window.page.locator("select[name=action]").select_option(label="Process again")
    window.click("Run")
    window.page.get_by_label("Why?").fill("The bug is mended")
    window.click("Process again: 3")

    expect(window.page.get_by_role("heading", name="Process again: 3 of 3 done")).to_be_visible()
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {"stored"}


def test_a_new_version_of_the_policy_is_published_and_its_mails_are_read(open_browser: OpenBrowser, sam: User) -> None:
    window = open_browser(make_staff("Finance"), width=1440)
    window.go("/admin/")
    window.click("Dunning policies")
    window.click("New version of a policy")
    window.page.get_by_label("Day, step 3").fill("21")
    window.page.get_by_label("What changes, and why?").fill("A week more before the end")
    window.click("Publish this version")
    assert window.clicks == 3

    window.page.get_by_label("Mail", exact=True).select_option(label="Final notice")
    window.click("Show")

    expect(window.page.frame_locator("iframe.letter").locator("h1")).to_be_visible()
    assert DunningPolicy.objects.current_for(None).ordered_steps()[-1].offset_days == 21


@pytest.mark.soak
def test_a_list_is_taken_away_as_csv(open_browser: OpenBrowser, sam: User) -> None:
    window = open_browser(sam, width=1440)
    window.go("/admin/")
    window.click("Failed payments")

    with window.page.expect_download() as download:
        window.page.get_by_role("link", name="Download this list as CSV").click()

    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + PaymentFailure.objects.unsettled().count()
    assert window.clicks == 1


def test_a_periodic_task_is_run_now(open_browser: OpenBrowser, db: None) -> None:
    ensure_rows()
    window = open_browser(make_admin(), width=1440)
    window.go("/admin/")

    window.click("Periodic tasks")
    window.click("Run now Billing dunning processor")
    window.click("Run now")

    expect(window.page.get_by_text("was asked to run")).to_be_visible()
    assert window.clicks == 3
    assert AuditEntry.objects.filter(verb="run_now").exists()


def test_the_day_is_worked_without_javascript(open_browser: OpenBrowser, sam: User) -> None:
    window = open_browser(sam, script=False)
    window.go("/admin/")
    window.submit(FIND, "Oakfield Studio")

    decide(window, "Pause", done="The case is paused.")

    window.go("/admin/billing/paymentfailure/")
    expect(window.page.get_by_text("Oakfield Studio").first).to_be_visible()


def test_the_day_is_worked_by_keyboard_alone(open_browser: OpenBrowser, sam: User) -> None:
    window = open_browser(sam, width=1440)
    window.go("/admin/")
    expect(window.page.get_by_label(FIND)).to_be_focused()
    window.page.keyboard.type("Oakfield Studio")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("heading", name="What to do here")).to_be_visible()

    press_tab_until(window, "Pause")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_label("Why?")).to_be_focused()
    window.page.keyboard.type("By keyboard")
    press_tab_until(window, "Pause")
    window.page.keyboard.press("Enter")

    expect(window.page.get_by_text("The case is paused.")).to_be_visible()


def press_tab_until(window: Window, name: str) -> None:
    """Walks on with Tab until the focus is on this link or button; fails where it never comes by."""
    for _ in range(60):
        window.page.keyboard.press("Tab")
        if window.page.evaluate("document.activeElement.innerText.trim()") == name:
            return
    raise AssertionError(f"Tab never reaches “{name}”.")
