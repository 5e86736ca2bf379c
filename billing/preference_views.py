"""The page on which a customer chooses who gets the reminders."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.forms import RemindersForm
from billing.pay_links import account_of_token
from billing.preferences import choose
from levqor.guard.limits import Limit, accept
from levqor.guard.networks import client_network

# Each change writes to the billing address: more than these are no customer's.
PER_NETWORK = Limit("billing.reminders.network", 30)
PER_ACCOUNT = Limit("billing.reminders.account", 5)


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
        accept((PER_NETWORK, client_network(request)), (PER_ACCOUNT, str(account.pk)), at=now)
        choose(account, form.address, at=now)
        messages.success(request, "Saved. Reminders go to the address that you chose.")
        return redirect(request.path)
    status = 422 if form.is_bound else 200
    response = render(request, "billing/reminders.html", {"account": account, "form": form}, status=status)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
