"""The pages behind the links of a reminder: paying, trying a new card, and choosing who gets the reminders."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from billing import gateway
from billing.emails import masked
from billing.models import PaymentFailure
from billing.new_cards import try_default_card
from billing.notices import choose, chosen_address
from billing.pay_links import account_of_token, case_of_token, pay_url, statement_for
from billing.present_state import current_invoice
from levqor.accounts.models import Account
from levqor.guard.limits import Limit, accept
from levqor.guard.networks import client_network

# Browsers hold a form's redirect to form-action too, and this form's answer leads to Stripe.
PAY_PAGE_CSP: dict[str, list[str]] = settings.SECURE_CSP | {"form-action": [CSP.SELF, "https:"]}
# In the address by which Stripe's page sends the customer back.
RETURNED = "returned"
# Each press of the button makes a page at Stripe: more than these are no customer's.
PAYING_BY_NETWORK = Limit("billing.pay.network", 30)
PAYING_BY_CASE = Limit("billing.pay.case", 10)
# Each press asks Stripe twice: more than these are no customer's.
CARD_BY_NETWORK = Limit("billing.card.network", 30)
CARD_BY_CASE = Limit("billing.card.case", 10)
# Each change writes to the billing address: more than these are no customer's.
CHANGE_BY_NETWORK = Limit("billing.reminders.network", 30)
CHANGE_BY_ACCOUNT = Limit("billing.reminders.account", 5)
# To the customer who says that there is a new card. One that is tried is on the page as an attempt.
ANSWERS = {
    "no_card": "We do not see a new card yet. Make it your default on Stripe’s page: it is then tried by itself.",
    "unavailable": "Our payment provider does not answer at the moment. Your card is tried as soon as it does.",
}
# The choice of an address that is none of the account's own.
OTHER = "other"


# None of these pages asks for Django's token: whoever has the link may act by it, and people whose mail program keeps no
# cookie have to be able to pay. Nobody can post to an address that they do not know.
@csrf_exempt
@never_cache
@csp_override(PAY_PAGE_CSP)
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what is owed and changes nothing (mail scanners open links); the button's POST goes on to Stripe."""
    case = case_of_token(token)
    if request.method == "POST" and case and case.is_unsettled:
        accept((PAYING_BY_NETWORK, client_network(request)), (PAYING_BY_CASE, str(case.pk)), at=timezone.now())
        return HttpResponseRedirect(_target(case))
    if case is None:
        response = render(request, "billing/pay_unknown.html", status=404)
    else:
        statement = statement_for(case, at=timezone.now())
        context = {"case": case, "statement": statement, "token": token, **_card(request, case)}
        response = render(request, "billing/pay.html", context)
    # Stripe never sees the token.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _card(request: HttpRequest, case: PaymentFailure) -> dict[str, object]:
    """How the last new card fared, and whether the customer comes back from giving one."""
    may_try = case.is_unsettled and gateway.is_enabled() and RETURNED in request.GET
    return {
        "answer": ANSWERS.get(request.GET.get("card", ""), ""),
        "attempt": case.card_attempts.order_by("pk").last(),
        "may_try_card": may_try,
    }


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


@csrf_exempt
@never_cache
@require_POST
def try_card(request: HttpRequest, token: str) -> HttpResponse:
    case = case_of_token(token)
    if case is None:
        return render(request, "billing/pay_unknown.html", status=404)
    if case.is_unsettled:
        accept((CARD_BY_NETWORK, client_network(request)), (CARD_BY_CASE, str(case.pk)), at=timezone.now())
        answer = try_default_card(case.account, at=timezone.now())
        return redirect(reverse("billing:pay", args=[token], query={"card": answer}))
    return redirect("billing:pay", token=token)


class RemindersForm(forms.Form):
    """The account's own addresses by their place in the list, so that the page tells none of them, or another one."""

    to = forms.ChoiceField(label="Send reminders to", widget=forms.RadioSelect)
    email = forms.EmailField(
        label="Another address",
        required=False,
        max_length=254,
        help_text="Only if you chose “another address” above.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, account: Account, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on to Django as they came
        self.addresses = account.billing_addresses()
        chosen = chosen_address(account)
        if chosen and chosen.lower() not in {address.lower() for address in self.addresses}:
            self.addresses.append(chosen)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # as declared above
        rows = [(str(place), masked(address)) for place, address in enumerate(self.addresses)]
        field.choices = [*rows, (OTHER, "another address")]
        field.initial = next(
            (place for place, _ in rows if self.addresses[int(place)].lower() == chosen.lower()), OTHER
        )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if not email.rpartition("@")[0].isascii():
            raise ValidationError("Our mail provider cannot write to an address with such letters before the @.")
        return email

    def clean(self) -> None:
        if self.cleaned_data.get("to") == OTHER and not self.cleaned_data.get("email") and not self.errors:
            self.add_error("email", "Enter the address that the reminders should go to.")

    @property
    def address(self) -> str:
        to = self.cleaned_data["to"]
        return str(self.cleaned_data["email"]) if to == OTHER else self.addresses[int(to)]


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reminders(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the choice and changes nothing (mail scanners open links); POST saves it."""
    account = account_of_token(token)
    if account is None:
        return render(request, "billing/pay_unknown.html", status=404)
    form = RemindersForm(account, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        accept((CHANGE_BY_NETWORK, client_network(request)), (CHANGE_BY_ACCOUNT, str(account.pk)), at=now)
        choose(account, form.address, at=now)
        return redirect(request.path + "?saved")
    status = 422 if form.is_bound else 200
    response = render(
        request,
        "billing/reminders.html",
        {"account": account, "form": form, "is_saved": "saved" in request.GET},
        status=status,
    )
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
