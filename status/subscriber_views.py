"""The pages of subscribers. A GET never changes anything: mail scanners open every link."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from levqor.guard.networks import client_network
from levqor.hooks.network import UnreachableError
from levqor.lib.actors import CUSTOMER
from status import hooks, subscriptions
from status.forms import ChoiceForm, EndpointForm, SubscribeForm
from status.models import Subscriber
from status.subscriber_links import subscriber_of, token_of

type SubscriberView = Callable[[HttpRequest, Subscriber], HttpResponse]
METHODS = ["GET", "HEAD", "POST"]


# None of these pages asks for Django's token: people whose browser or mail program keeps no cookie use them too. Nobody can
# post to an address that they do not know, and whoever subscribes somebody else gets no further than one mail.
@csrf_exempt
@require_http_methods(METHODS)
def subscribe(request: HttpRequest) -> HttpResponse:
    form = SubscribeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        chosen = form.cleaned_data["components"]
        subscriptions.ask(email, chosen, network=client_network(request), at=timezone.now())
        return redirect("status:subscribe_asked")
    return render(request, "status/subscribe.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD"])
def subscribe_asked(request: HttpRequest) -> HttpResponse:
    return render(request, "status/subscribe_asked.html")


def of_subscriber(view: SubscriberView) -> Callable[[HttpRequest, str], HttpResponse]:
    """The view with the subscriber that the token in the address names; private, and for no search engine."""

    @csrf_exempt
    @never_cache
    @require_http_methods(METHODS)
    def opened(request: HttpRequest, token: str) -> HttpResponse:
        subscriber = subscriber_of(token)
        if subscriber is None:
            raise Http404
        response = view(request, subscriber)
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return opened


@of_subscriber
def confirm(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    at = timezone.now()
    if request.method == "POST" and subscriptions.confirm(subscriber, at=at):
        messages.success(request, "You are subscribed. We write when something happens, and not otherwise.")
        return redirect("status:manage", token_of(subscriber))
    can_confirm = subscriber.may_still_confirm(at=at)
    status = 200 if can_confirm or subscriber.is_active else 410
    context = {"subscriber": subscriber, "can_confirm": can_confirm, "token": token_of(subscriber)}
    return render(request, "status/confirm.html", context, status=status)


@of_subscriber
def manage(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    form = ChoiceForm(
        request.POST if request.POST.get("what") == "components" else None,
        initial={"components": subscriber.components.all()},
    )
    endpoint_form = EndpointForm(request.POST if request.POST.get("what") == "endpoint" else None)
    if request.method == "POST" and subscriber.is_active and _change(request, subscriber, form, endpoint_form):
        return redirect("status:manage", token_of(subscriber))
    context = {
        "subscriber": subscriber,
        "form": form,
        "endpoint_form": endpoint_form,
        "endpoints": hooks.endpoints_of(subscriber),
        "token": token_of(subscriber),
    }
    is_refused = form.is_bound or endpoint_form.is_bound
    return render(request, "status/manage.html", context, status=422 if is_refused else 200)


def _change(request: HttpRequest, subscriber: Subscriber, form: ChoiceForm, endpoint_form: EndpointForm) -> bool:
    """Carries one change out; False where the form has to be shown again."""
    at = timezone.now()
    if form.is_bound and form.is_valid():
        subscriptions.choose(subscriber, form.cleaned_data["components"])
        messages.success(request, "Your choice is saved.")
        return True
    if endpoint_form.is_bound and endpoint_form.is_valid():
        try:
            hooks.add_endpoint(subscriber, endpoint_form.cleaned_data["url"], at=at)
        except (UnreachableError, hooks.EndpointRefusedError) as error:
            endpoint_form.add_error("url", str(error))
            return False
        messages.success(request, "The address is called from now on.")
        return True
    return _change_endpoint(request, subscriber, at=at)


def _change_endpoint(request: HttpRequest, subscriber: Subscriber, *, at: datetime) -> bool:
    """Removes one address, or calls it again; False where that was not asked for."""
    what, public_id = request.POST.get("what"), request.POST.get("endpoint", "")
    if what == "remove" and hooks.remove_endpoint(subscriber, public_id, at=at):
        messages.success(request, "The address is no longer called.")
    if what == "revive" and hooks.revive_endpoint(subscriber, public_id, at=at):
        messages.success(request, "The address is called again.")
    return what in {"remove", "revive"}


@of_subscriber
def unsubscribe(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    """GET shows a button. POST ends the subscription at once: RFC 8058 mail programs send that."""
    if request.method == "POST":
        subscriptions.end(subscriber, by=CUSTOMER, at=timezone.now())
        subscriber.refresh_from_db()
    return render(request, "status/unsubscribe.html", {"subscriber": subscriber, "token": token_of(subscriber)})
