"""The page behind the button of a reminder."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods

from billing import gateway
from billing.evidence import current_invoice
from billing.models import PaymentFailure
from billing.pay_links import case_of_token

# Browsers hold a form's redirect to form-action too, and this form's answer leads to Stripe.
PAY_PAGE_CSP: dict[str, list[str]] = settings.SECURE_CSP | {"form-action": [CSP.SELF, "https:"]}


@never_cache
@csp_override(PAY_PAGE_CSP)
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what is owed and changes nothing (mail scanners open links); the button's POST goes on to Stripe."""
    case = case_of_token(token)
    if case is None:
        return render(request, "billing/pay_unknown.html", status=404)
    if request.method == "POST" and case.is_unsettled:
        return HttpResponseRedirect(_target(case))
    owed = case.account.payment_failures.unsettled().order_by("failure_date")
    response = render(request, "billing/pay.html", {"case": case, "owed": owed})
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _target(case: PaymentFailure) -> str:
    """A page at Stripe, made now: the invoice's own, else the customer portal, else the fall-back from the settings."""
    if not gateway.is_enabled():
        return str(settings.BILLING_PORTAL_URL)
    try:
        facts = current_invoice(case.invoice_id)
        if facts and facts.hosted_invoice_url and case.needs_authentication:
            return facts.hosted_invoice_url
        customer = case.account.stripe_customer_id or ""
        return gateway.portal_url(customer, return_url=settings.SITE_URL) or str(settings.BILLING_PORTAL_URL)
    except (gateway.StripeUnavailableError, gateway.StripeUnknownObjectError, gateway.StripeRefusedError):
        return str(settings.BILLING_PORTAL_URL)
