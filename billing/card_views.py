"""Back from Stripe's page with a new card: try it at once, without waiting for Stripe's word of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from billing.new_cards import try_default_card
from billing.pay_links import case_of_token
from levqor.guard.limits import Limit, accept
from levqor.guard.networks import client_network

# Each press asks Stripe twice: more than these are no customer's.
PER_NETWORK = Limit("billing.card.network", 30)
PER_CASE = Limit("billing.card.case", 10)

ANSWERS = {
    "wanted": "We are trying your card now. This page shows the outcome in a minute; you need not wait for it.",
    "no_card": "We do not see a new card yet. Make it your default on Stripe’s page: it is then tried by itself.",
    "unavailable": "Our payment provider does not answer at the moment. Your card is tried as soon as it does.",
}


@never_cache
@require_POST
def try_card(request: HttpRequest, token: str) -> HttpResponse:
    case = case_of_token(token)
    if case is None:
        return render(request, "billing/pay_unknown.html", status=404)
    if case.is_unsettled:
        accept((PER_NETWORK, client_network(request)), (PER_CASE, str(case.pk)), at=timezone.now())
        messages.info(request, ANSWERS[try_default_card(case.account, at=timezone.now())])
    return redirect("billing:pay", token=token)
