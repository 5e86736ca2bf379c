"""Ordering a build on the agreement's own page: form, last look, acceptance, receipt; and checking a receipt."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from legal import acceptance, emails, reading, receipts, verification
from legal.acceptance import Circumstances, OutdatedError
from legal.forms import OrderForm, VerifyForm, filled_in, read_order
from legal.models import Acceptance, BuyerKind
from legal.offer import Offer, changes, sentence, standing
from legal.views import document_context, trail, unknown
from legal.wording import BUTTON
from levqor.guard.limits import Limit, LimitReachedError, accept
from levqor.guard.networks import client_address, client_network

SLUG = "dfy-agreement"
CHECKS = Limit("acceptance.verify", 60)


@gzip_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: HttpRequest) -> HttpResponse:
    """The agreement with its order form; what is posted is shown for a last look first, and then accepted."""
    offer = standing(at=timezone.now())
    if request.method != "POST":
        chosen = request.GET.get("package", "")
        return _page(request, offer, OrderForm(initial={"package": chosen} if chosen.isascii() else {}, offer=offer))
    if "order" in request.POST:
        return _accept(request, offer)
    if not offer.packages:
        why = OutdatedError("A build cannot be ordered at the moment, because its agreement is being renewed.")
        return _page(request, offer, OrderForm(offer=offer), status=409, outdated=why)
    form = OrderForm(request.POST, offer=offer)
    if not form.is_valid():
        return _page(request, offer, form, status=422)
    return _last_look(request, offer, form)


def _page(
    request: HttpRequest, offer: Offer, form: OrderForm, *, status: int = 200, outdated: OutdatedError | None = None
) -> HttpResponse:
    shelf = reading.shelf(SLUG, at=timezone.now())
    if shelf is None or shelf.current is None:
        return unknown(request, shelf=shelf)
    context = document_context(shelf, shelf.current) | {"form": form, "offer": offer, "outdated": outdated}
    return render(request, "legal/agreement.html", context, status=status)


def _last_look(request: HttpRequest, offer: Offer, form: OrderForm) -> HttpResponse:
    said = form.cleaned_data
    context = {
        "order": form.sign(offer.versions, at=timezone.now()),
        "said": said,
        "package": said["package"],
        "is_consumer": said["kind"] == BuyerKind.CONSUMER,
        "versions": offer.versions,
        "changes": changes(said["shown_versions"], offer.versions),
        "sentence": sentence(said["package"], offer.versions),
        "button": BUTTON,
        "breadcrumbs": [*trail(reading.shelf(SLUG, at=timezone.now())), ("Check your order", "")],
    }
    return render(request, "legal/last_look.html", context)


def _accept(request: HttpRequest, offer: Offer) -> HttpResponse:
    declaration = read_order(request.POST["order"])
    if declaration is None:
        why = OutdatedError("This order could not be read. Please order again.")
        return _page(request, offer, OrderForm(offer=offer), status=409, outdated=why)
    if "change" in request.POST:
        return _page(request, offer, OrderForm(initial=filled_in(declaration), offer=offer))
    try:
        outcome = acceptance.accept(declaration, _circumstances(request), at=timezone.now())
    except OutdatedError as why:
        kept = OrderForm(initial=filled_in(declaration), offer=offer)
        return _page(request, offer, kept, status=409, outdated=why)
    except LimitReachedError as error:
        return _too_many(request, error)
    if outcome.token:
        return HttpResponseRedirect(reverse("legal:receipt", args=[outcome.token]), status=303)
    return render(request, "legal/accepted_before.html", {"breadcrumbs": trail()})


def _too_many(request: HttpRequest, error: LimitReachedError) -> HttpResponse:
    context = {"minutes": -(-error.retry_after // 60), "order": request.POST["order"]}
    response = render(request, "legal/too_many.html", context, status=429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _circumstances(request: HttpRequest) -> Circumstances:
    return Circumstances(
        network=client_network(request),
        ip_address=client_address(request),
        user_agent=request.headers.get("User-Agent", ""),
        request_id=getattr(request, "request_id", ""),
    )


@never_cache
@require_safe
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """The receipt for whoever has its link; reading it changes nothing, so mail scanners may."""
    found = _found(token)
    context = {
        "acceptance": found,
        "token": token,
        "facts": receipts.facts(found),
        "versions": acceptance.versions_of(found),
        "is_consumer": found.kind == BuyerKind.CONSUMER,
        "cancel_until": emails.cancel_until(found),
        "breadcrumbs": [*trail(), ("Receipt", "")],
    }
    return _private(render(request, "legal/receipt.html", context))


@never_cache
@require_safe
def receipt_file(request: HttpRequest, token: str, kind: str) -> HttpResponse:
    found = _found(token)
    if kind not in {"pdf", "json"}:
        raise Http404
    content, content_type = {
        "pdf": (bytes(found.receipt_pdf), "application/pdf"),
        "json": (receipts.as_file(found), "application/json"),
    }[kind]
    name = f"receipt-{found.reference}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return _private(HttpResponse(content, content_type=content_type, headers=headers))


def _found(token: str) -> Acceptance:
    found = acceptance.acceptance_of_token(token)
    if found is None:
        raise Http404
    return found


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Match or no match, for anybody: by a reference, a code or a file. As JSON for programs that ask for it."""
    asked = request.POST if request.method == "POST" else request.GET
    form = VerifyForm(asked or None, request.FILES or None)
    if not form.is_bound or not form.is_valid():
        return _verdict_answer(request, form, status=422 if form.errors else 200)
    try:
        accept((CHECKS, client_network(request)), at=timezone.now())
    except LimitReachedError as error:
        form.add_error(None, f"Those were many checks. Try again in {-(-error.retry_after // 60)} minutes.")
        response = _verdict_answer(request, form, status=429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    file = form.cleaned_data["file"]
    verdict = verification.of_file(file.read()) if file else verification.of_text(form.cleaned_data["reference"])
    return _verdict_answer(request, form, verdict)


def _verdict_answer(
    request: HttpRequest, form: VerifyForm, verdict: verification.Verdict | None = None, *, status: int = 200
) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", "") and (verdict or form.errors):
        faults = [message for messages in form.errors.values() for message in messages]
        return JsonResponse(verdict.as_json() if verdict else {"errors": faults}, status=status)
    breadcrumbs = [*trail(), ("Check a receipt", "")]
    context = {"form": form, "verdict": verdict, "breadcrumbs": breadcrumbs}
    return render(request, "legal/verify.html", context, status=status)
