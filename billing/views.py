"""The page behind the button of a reminder."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods

from billing import gateway
from billing.evidence import current_invoice
from billing.models import PaymentFailure
from billing.pay_links import case_of_token, pay_url
from billing.statement import statement_for
from levqor.guard.limits import Limit, accept
from levqor.guard.networks import client_network

# Browsers hold a form's redirect to form-action too, and this form's answer leads to Stripe.
PAY_PAGE_CSP: dict[str, list[str]] = settings.SECURE_CSP | {"form-action": [CSP.SELF, "https:"]}

# Each press of the button makes a page at Stripe: more than these are no customer's.
PER_NETWORK = Limit("billing.pay.network", 30)
PER_CASE = Limit("billing.pay.case", 10)
# In the address by which Stripe's page sends the customer back.
RETURNED = "returned"


@never_cache
@csp_override(PAY_PAGE_CSP)
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what is owed and changes nothing (mail scanners open links); the button's POST goes on to Stripe."""
    case = case_of_token(token)
    if request.method == "POST" and case and case.is_unsettled:
        accept((PER_NETWORK, client_network(request)), (PER_CASE, str(case.pk)), at=timezone.now())
        return HttpResponseRedirect(_target(case))
    if case is None:
        response = render(request, "billing/pay_unknown.html", status=404)
    else:
        statement = statement_for(case, at=timezone.now())
        context = {"case": case, "statement": statement, "token": token, **_card(request, case)}
        response = render(request, "billing/pay.html", context)
    # Stripe never sees the token. With `no-referrer` browsers would send `Origin: null`, and the button would be refused.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _card(request: HttpRequest, case: PaymentFailure) -> dict[str, object]:
    """How the last new card fared, and whether the customer comes back from giving one."""
    may_try = case.is_unsettled and gateway.is_enabled() and RETURNED in request.GET
    return {"attempt": case.card_attempts.order_by("pk").last(), "may_try_card": may_try}


def _target(case: PaymentFailure) -> str:
    """A page at Stripe, made now: the invoice's own, else the customer portal, else the fall-back from the settings."""
    if not gateway.is_enabled():
        return str(settings.BILLING_PORTAL_URL)
    try:
        facts = current_invoice(case.invoice_id)
        if facts and facts.hosted_invoice_url and case.needs_authentication:
            return facts.hosted_invoice_url
        customer = case.account.stripe_customer_id or ""
        return gateway.portal_url(customer, return_url=f"{pay_url(case)}?{RETURNED}") or str(
            settings.BILLING_PORTAL_URL
        )
    except (gateway.StripeUnavailableError, gateway.StripeUnknownObjectError, gateway.StripeRefusedError):
        return str(settings.BILLING_PORTAL_URL)
