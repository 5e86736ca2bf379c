"""The claim's pages: the form, and the page on which the customer follows what became of it."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from claims import customer, emails
from claims.eligibility import last_day_to_claim
from claims.filing import EARLIEST_DAYS, LATEST_DAYS, Statement, file_claim
from claims.forms import ClaimPageForm
from claims.models import Claim
from claims.progress import progress_of
from levqor.accounts.models import Account, Plan, SlaTerms, percent_words
from levqor.cases.conversation import TooManyFilesError
from levqor.cases.forms import MessageForm
from levqor.cases.models import Case, Deadline
from levqor.cases.pages import intake_page, known_of, lost_link_page, post_message, to_tracking
from levqor.cases.tracking import case_of_token, file_answer, private, to_clean_link, tracking_token
from levqor.guard.references import Series
from levqor.lib.actors import customer as customer_actor
from levqor.lib.business_time import arrival_day, business_days_after
from levqor.lib.money import format_money, share_of
from levqor.lib.states import IllegalMoveError, StaleStateError


# Without Django's check, so that people whose browser keeps no cookie can write to us too: another site's form comes without
# the session (SameSite), so all it could do is what anybody can do without one.
@csrf_exempt
@gzip_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Who may claim what until when, and the form."""
    if request.method != "POST":
        return _start_page(request, ClaimPageForm(initial=_known_of(request)))
    form = ClaimPageForm(request.POST, request.FILES)
    return intake_page(
        request, form, _start_page, lambda said, sender, at: file_claim(Statement.of(said), sender, at=at)[0].case
    )


def _known_of(request: HttpRequest) -> dict[str, Any]:
    known, account = known_of(request)
    return known | ({"plan": account.plan.slug} if account and account.plan else {})


def _start_page(request: HttpRequest, form: ClaimPageForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    today = timezone.localdate()
    terms = SlaTerms.objects.valid_on(today)
    month = today.replace(day=1)
    months = [(month - timedelta(days=1)).replace(day=1), month]
    example = Plan.objects.filter(slug="growth").first()
    context = {
        "form": form,
        "target": percent_words(terms.target_percent),
        "claim_days": terms.claim_days,
        "example": example,
        "bands": [_band(words, credit, example) for words, credit in terms.bands_in_words()],
        "windows": [(each, last_day_to_claim(each, terms)) for each in months],
        "days": f"{EARLIEST_DAYS} to {LATEST_DAYS}",
        "earliest": business_days_after(arrival_day(now), EARLIEST_DAYS),
        "latest": business_days_after(arrival_day(now), LATEST_DAYS),
        "breadcrumbs": [("Claim an SLA credit", "")],
    }
    return render(request, "claims/start.html", context, status=status)


def _band(words: str, credit_percent: int, plan: Plan | None) -> dict[str, Any]:
    cents = share_of(plan.price_cents, credit_percent) if plan else 0
    return {"words": words, "percent": credit_percent, "amount": format_money(cents, plan.currency) if plan else ""}


# A page with `no-referrer` sends `Origin: null` with its forms, which Django's check refuses. It is not needed here: nobody
# can post to an address that they do not know, and no cookie lets them in.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def track(request: HttpRequest, token: str) -> HttpResponse:
    """Where the claim stands, and what was written. A GET changes nothing, so mail scanners may open the link."""
    if clean := to_clean_link(request, token, Series.SLA_CLAIM):
        return clean
    claim = _claim_of(token)
    if request.method != "POST":
        return _track_page(request, claim, MessageForm())
    form = MessageForm(request.POST, request.FILES)
    act = customer.ask_again if "again" in request.POST else customer.write
    refused = post_message(
        form,
        claim.case,
        partial(act, claim),
        lambda status: _track_page(request, _claim_of(token), form, status=status),
        refusals=(customer.OverError, IllegalMoveError, StaleStateError, TooManyFilesError),
        by=customer_actor(request.user),
    )
    return refused or to_tracking(claim.case, query="?sent")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """Asks whether the claim shall really end, and ends it."""
    claim = _claim_of(token)
    if request.method == "POST":
        try:
            customer.withdraw(claim, by=customer_actor(request.user), at=timezone.now())
        except (IllegalMoveError, StaleStateError):
            # It is decided, or was withdrawn, since the question was shown: the page says so.
            return to_tracking(claim.case)
        return to_tracking(claim.case)
    if not claim.is_open:
        return to_tracking(claim.case)
    context = {"claim": claim, "case": claim.case, "token": token, "breadcrumbs": _trail(claim, token, "Withdraw")}
    return private(render(request, "claims/withdraw.html", context))


@never_cache
@require_safe
def download(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    return file_answer(_claim_of(token).case.files.public().filter(pk=pk))


# As the other forms for people who need no session.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lost_link(request: HttpRequest) -> HttpResponse:
    def send(case: Case, at: datetime) -> None:
        emails.link_again(Claim.objects.select_related("case", "plan").get(case=case), at=at)

    return lost_link_page(request, Series.SLA_CLAIM, "claims/lost_link.html", _home(), send)


def _claim_of(token: str) -> Claim:
    case = case_of_token(token, Series.SLA_CLAIM)
    claim = Claim.objects.select_related("case__account", "plan", "joined_to__case").filter(case=case).first()
    if case is None or claim is None:
        raise Http404
    return claim


def _track_page(request: HttpRequest, claim: Claim, form: MessageForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    case = claim.case
    token = tracking_token(case)
    deadline = Deadline.objects.current_of(case)
    context = {
        "claim": claim,
        "case": case,
        "token": token,
        "deadline": deadline,
        "progress": progress_of(claim, deadline, at=now),
        "notes": case.messages.public().order_by("written_at", "pk").prefetch_related("files"),
        "first_files": case.files.public().filter(message=None),
        "form": form,
        "is_member": _is_member(request.user, case),
        "is_filed": "filed" in request.GET,
        "is_sent": "sent" in request.GET,
        "breadcrumbs": [*_home(), (case.reference, "")],
    }
    return private(render(request, "claims/track.html", context, status=status))


def _is_member(user: AbstractBaseUser | AnonymousUser, case: Case) -> bool:
    """Who is told of the account's other claims. Whoever has the link may have filed it under somebody else's address."""
    if not (user.is_authenticated and case.account_id):
        return False
    return Account.objects.filter(pk=case.account_id, members=user.pk).exists()


def _home() -> list[tuple[str, str]]:
    return [("Claim an SLA credit", reverse("claims:start"))]


def _trail(claim: Claim, token: str, last: str) -> list[tuple[str, str]]:
    return [*_home(), (str(claim), reverse("claims:track", args=[token])), (last, "")]
