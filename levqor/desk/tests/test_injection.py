"""What the public types is read by staff under a policy that lets Unfold's Alpine evaluate: so nothing of it may ever run.

Every field that a customer, a bank or a mail provider fills is filled with each string of the corpus, and every page of
the back office that shows it is opened in a real browser.
"""

import pytest
from django.utils import timezone

from billing.failures import FailureEvidence, open_case
from billing.models import DunningEmail, Flag, PaymentFailure, StripeEvent
from billing.sample_events import Sample, invoice_object
from billing.stripe_objects import invoice_facts
from levqor.accounts.models import Account, User
from levqor.audit.models import record
from levqor.desk.tests.make import make_admin, make_event
from levqor.lib.actors import staff
from levqor.mail.models import OutgoingMail, Suppression
from testing.browser import OpenBrowser, Window
from testing.soak import soak_all_but

pytestmark = pytest.mark.proof
RUN = "window.top.ran=1"
CORPUS = [
    f"<script>{RUN}</script>",
    f'"><img src=x onerror={RUN}>',
    f"'><svg/onload={RUN}>",
    f'<div x-data x-init="{RUN}">',
    f"\" x-init='{RUN}' x-data \"",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"{{% now 'Y' %}}{{{{ request }}}}${{{RUN}}}",
    f"javascript:{RUN}",
    f"';{RUN};//",
    f"`;{RUN};`",
    f"</textarea><script>{RUN}</script>",
    f"</title></style><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--",
    f'" autofocus onfocus="{RUN}" x="',
    f'<iframe srcdoc="<script>{RUN}</script>">',
    f"\u2028\u2029\u202e<sCrIpT>{RUN}</ScRiPt>",
    f"&lt;script&gt;{RUN}&lt;/script&gt;&#60;script&#62;",
]


def poison(text: str, person: User) -> PaymentFailure:
    """A failed payment, its customer, mail, events and trail, with this string wherever somebody outside can put one."""
    invoice = f"in_{abs(hash(text))}"
    sample = Sample(created=timezone.now(), invoice=invoice, customer=f"cus_{invoice}", email="x@example.com")
    facts = invoice_facts(invoice_object(sample))
    open_case(facts, FailureEvidence(timezone.now(), decline_code=text[:60]), at=timezone.now())
    case = PaymentFailure.objects.get(invoice_id=invoice)
    PaymentFailure.objects.filter(pk=case.pk).update(
        invoice_number=text[:100], plan_name=text, subscription_id=text, hold_reason=text[:40], flag=Flag.BOUNCED
    )
    Account.objects.filter(pk=case.account_id).update(
        name=text, billing_email=text, exemption_reason=text, is_exempt_from_dunning=True
    )
    Suppression.objects.create(email=text, reason="bounce", detail=text, suppressed_at=timezone.now())
    case.account.contacts.create(email=text, name=text)
    record("paused", case, by=staff(person), at=timezone.now(), reason=text)
    make_event(type=text[:100], invoice_id=invoice, error=text, outcome=text, object_id=text, body=text.encode())
    mail = OutgoingMail.objects.create(
        key=text, name="billing/first_notice", about=f"billing.paymentfailure:{case.pk}", to_email=text, from_email=text,
        subject=text, text_body=text, html_body="<p>Hello</p>", status="failed", error=text, bounce_detail=text,
    )  # fmt: skip
    DunningEmail.objects.create(failure=case, mail=mail, email_type="day_1")
    return case


def pages_of(case: PaymentFailure) -> list[str]:
    event = StripeEvent.objects.get(invoice_id=case.invoice_id)
    mail = OutgoingMail.objects.get(about=f"billing.paymentfailure:{case.pk}")
    base = f"/admin/billing/paymentfailure/{case.pk}"
    return [
        f"{base}/change/",
        f"{base}/pause/",
        f"{base}/stop/?seen=0",
        f"/admin/billing/stripeevent/{event.pk}/change/",
        f"/admin/billing/stripeevent/{event.pk}/process-again/",
        f"/admin/mail/outgoingmail/{mail.pk}/change/",
        f"/admin/accounts/account/{case.account_id}/change/",
        f"/admin/billing/dunningpolicy/{case.policy_id}/change/?case={case.pk}",
    ]


LISTS = [
    "/admin/",
    "/admin/billing/paymentfailure/",
    "/admin/billing/stripeevent/",
    "/admin/mail/outgoingmail/",
    "/admin/mail/suppression/",
    "/admin/audit/auditentry/",
    "/admin/accounts/account/",
]


def assert_nothing_runs_on(window: Window, path: str) -> None:
    window.page.goto(window.base + path, wait_until="load")
    window.page.wait_for_selector("html:not([x-cloak])")
    assert not window.page.evaluate("window.ran"), path


# One of each kind: element, attribute, Alpine, end of a text field. The corpus whole is for `make soak`.
@pytest.mark.parametrize("place", soak_all_but([1, 3, 10, 15], range(len(CORPUS))))
def test_nothing_that_strangers_type_runs_in_the_back_office(open_browser: OpenBrowser, place: int) -> None:
    text = CORPUS[place]
    person = make_admin()
    case = poison(text, person)
    window = open_browser(person)

    for path in [*LISTS, *pages_of(case)]:
        assert_nothing_runs_on(window, path)


@pytest.mark.parametrize("text", soak_all_but([0, 4, 13], CORPUS))
def test_nothing_that_is_searched_for_runs(open_browser: OpenBrowser, text: str) -> None:
    window = open_browser(make_admin())

    for path in ("/admin/find/", "/admin/billing/paymentfailure/", "/admin/mail/outgoingmail/"):
        window.go(path)
        window.page.locator("input[name=q]").first.fill(text)
        window.page.locator("input[name=q]").first.press("Enter")
        window.page.wait_for_load_state()
        assert not window.page.evaluate("window.ran")


def test_a_mail_with_scripts_in_its_html_is_caged(open_browser: OpenBrowser) -> None:
    mail = OutgoingMail.objects.create(
        key="caged", name="x", to_email="x@example.com", from_email="y@example.com", subject="Hello", text_body="Hello",
        html_body="<p>Hello there</p>" + "".join(CORPUS),
    )  # fmt: skip
    window = open_browser(make_admin())

    window.go(f"/admin/mail/outgoingmail/{mail.pk}/change/")
    window.page.frame_locator("iframe.letter").get_by_text("Hello there").wait_for()

    assert not window.page.evaluate("window.ran")
    # What the cage refused is what the browser complains about here, and nothing else.
    refused = [line for line in window.complaints if "Blocked script" in line or "Content Security Policy" in line]
    assert window.complaints == refused != []
    window.complaints.clear()
