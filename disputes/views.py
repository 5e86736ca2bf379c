"""The dispute's pages: the procedure with its form, and the page on which the customer follows what became of it."""

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from disputes import customer, emails
from disputes.filing import Statement, file_dispute
from disputes.forms import DisputePageForm, EscalateForm
from disputes.letters import letter_answer
from disputes.models import Category, Dispute, DisputeStatus, Stage
from disputes.progress import progress_of
from disputes.stages import STEP_OF, STEPS, dates_of
from levqor.cases.conversation import TooManyFilesError
from levqor.cases.forms import MessageForm
from levqor.cases.models import Case, Deadline
from levqor.cases.pages import intake_page, known_of, lost_link_page, post_message, to_tracking
from levqor.cases.tracking import case_of_token, file_answer, private, to_clean_link, tracking_token
from levqor.guard.references import Series
from levqor.lib.actors import customer as customer_actor
from levqor.lib.states import IllegalMoveError, StaleStateError

REFUSALS = (customer.OverError, IllegalMoveError, StaleStateError, TooManyFilesError)
DEED_METHODS = require_http_methods(["GET", "HEAD", "POST"])


# Without Django's check, so that people whose browser keeps no cookie can write to us too: another site's form comes without
# the session (SameSite), so all it could do is what anybody can do without one.
@csrf_exempt
@gzip_page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The steps, what is open outside of them, and the form."""
    if request.method != "POST":
        return _start_page(request, DisputePageForm(initial=_known_of(request)))
    form = DisputePageForm(request.POST, request.FILES)
    return intake_page(
        request, form, _start_page, lambda said, sender, at: file_dispute(Statement.of(said), sender, at=at)[0].case
    )


def _known_of(request: HttpRequest) -> dict[str, Any]:
    """What we know of somebody who signed in, and the stage and subject that a link names."""
    known, _ = known_of(request)
    asked = request.GET.get("stage", "")
    if asked in STEP_OF:
        known["stage"] = asked
    if request.GET.get("category", "") in Category.values:
        known["category"] = request.GET["category"]
    return known


def _start_page(request: HttpRequest, form: DisputePageForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    context = {
        "form": form,
        "steps": [(step, *dates_of(step, at=now)) for step in STEPS],
        "breadcrumbs": [("Disputes and complaints", "")],
    }
    return render(request, "disputes/start.html", context, status=status)


# A page with `no-referrer` sends `Origin: null` with its forms, which Django's check refuses. It is not needed here: nobody
# can post to an address that they do not know, and no cookie lets them in.
@csrf_exempt
@never_cache
@DEED_METHODS
def track(request: HttpRequest, token: str) -> HttpResponse:
    """Where the dispute stands, and what was written. A GET changes nothing, so mail scanners may open the link."""
    if clean := to_clean_link(request, token, Series.DISPUTE):
        return clean
    dispute = _dispute_of(token)
    if request.method != "POST":
        return _track_page(request, dispute, MessageForm())
    form = MessageForm(request.POST, request.FILES)
    refused = post_message(
        form,
        dispute.case,
        partial(customer.write, dispute),
        lambda status: _track_page(request, _dispute_of(token), form, status=status),
        refusals=REFUSALS,
        by=customer_actor(request.user),
    )
    return refused or to_tracking(dispute.case, query="?sent")


@csrf_exempt
@never_cache
@DEED_METHODS
def escalate(request: HttpRequest, token: str) -> HttpResponse:
    """Asks why it shall go a stage up, and takes it there."""
    dispute = _dispute_of(token)
    if request.method != "POST":
        if not can_escalate(dispute):
            return to_tracking(dispute.case)
        form = EscalateForm(initial={"seen": customer.standing(dispute)})
        return _ask(request, dispute, "escalate", form=form)
    form = EscalateForm(request.POST, request.FILES)
    try:
        refused = post_message(
            form,
            dispute.case,
            lambda *said, **more: customer.escalate(dispute, *said, seen=form.cleaned_data["seen"], **more),
            lambda status: _ask(request, dispute, "escalate", form=form, status=status),
            refusals=(),
            by=customer_actor(request.user),
        )
    except REFUSALS as error:
        return _refused(request, token, error, words=form.cleaned_data["body"])
    return refused or to_tracking(dispute.case, query="?escalated")


def can_escalate(dispute: Dispute) -> bool:
    return dispute.status != DisputeStatus.WITHDRAWN and dispute.next_stage is not None


@csrf_exempt
@never_cache
@DEED_METHODS
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Asks whether our answer settles it, and closes the dispute."""
    dispute = _dispute_of(token)
    if request.method != "POST":
        is_possible = dispute.status == DisputeStatus.ANSWERED
        return _ask(request, dispute, "accept") if is_possible else to_tracking(dispute.case)
    try:
        customer.accept(dispute, seen=request.POST.get("seen", ""), by=customer_actor(request.user), at=timezone.now())
    except REFUSALS as error:
        return _refused(request, token, error)
    return to_tracking(dispute.case)


@csrf_exempt
@never_cache
@DEED_METHODS
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """Asks whether the dispute shall really end, and ends it."""
    dispute = _dispute_of(token)
    if request.method != "POST":
        return _ask(request, dispute, "withdraw") if dispute.is_open else to_tracking(dispute.case)
    try:
        customer.withdraw(dispute, by=customer_actor(request.user), at=timezone.now())
    except REFUSALS as error:
        return _refused(request, token, error)
    return to_tracking(dispute.case)


@never_cache
@require_safe
def download(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    return file_answer(_dispute_of(token).case.files.public().filter(pk=pk))


@never_cache
@require_safe
def letter(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    """The PDF of a letter of ours, the same bytes each time."""
    return letter_answer(get_object_or_404(_dispute_of(token).letters.select_related("dispute__case"), pk=pk))


# As the other forms for people who need no session.
@csrf_exempt
@never_cache
@DEED_METHODS
def lost_link(request: HttpRequest) -> HttpResponse:
    def send(case: Case, at: Any) -> None:
        emails.link_again(Dispute.objects.select_related("case").get(case=case), at=at)

    return lost_link_page(request, Series.DISPUTE, "disputes/lost_link.html", _home(), send)


def _dispute_of(token: str) -> Dispute:
    case = case_of_token(token, Series.DISPUTE)
    dispute = Dispute.objects.select_related("case__account__plan", "case__owner").filter(case=case).first()
    if case is None or dispute is None:
        raise Http404
    return dispute


def _track_page(request: HttpRequest, dispute: Dispute, form: MessageForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    case = dispute.case
    deadline = Deadline.objects.current_of(case)
    reached = list(Stage).index(Stage(dispute.stage))
    context = {
        "dispute": dispute,
        "case": case,
        "token": tracking_token(case),
        "deadline": deadline,
        "progress": progress_of(dispute, deadline, at=now),
        "stages": [stage.label for stage in Stage],
        "stage_number": reached + 1,
        "notes": case.messages.public().order_by("written_at", "pk").prefetch_related("files"),
        "first_files": case.files.public().filter(message=None),
        "letters": dispute.letters.order_by("pk").defer("pdf"),
        "form": form,
        "can_escalate": can_escalate(dispute),
        "next_stage": dispute.next_stage.label if dispute.next_stage else "",
        "told": next((name for name in ("filed", "sent", "escalated") if name in request.GET), ""),
        "breadcrumbs": [*_home(), (case.reference, "")],
    }
    return private(render(request, "disputes/track.html", context, status=status))


def _ask(
    request: HttpRequest, dispute: Dispute, deed: str, *, form: EscalateForm | None = None, status: int = 200
) -> HttpResponse:
    """The page that asks before one of the deeds."""
    token = tracking_token(dispute.case)
    titles = {"escalate": "Next stage", "accept": "Accept our answer", "withdraw": "Withdraw"}
    step = STEP_OF.get(dispute.next_stage) if dispute.next_stage else None
    context = {
        "dispute": dispute,
        "case": dispute.case,
        "token": token,
        "seen": customer.standing(dispute),
        "form": form,
        "next_stage": dispute.next_stage,
        "step": step,
        "dates": dates_of(step, at=timezone.now()) if step else None,
        "breadcrumbs": [*_home(), (str(dispute), reverse("disputes:track", args=[token])), (titles[deed], "")],
    }
    return private(render(request, f"disputes/{deed}.html", context, status=status))


def _refused(request: HttpRequest, token: str, error: Exception, *, words: str = "") -> HttpResponse:
    """The dispute as it stands now, with what was refused above it, and what was written with it."""
    form = MessageForm({"body": words})
    form.errors.clear()
    form.add_error(None, str(error))
    form.is_bound = bool(words)
    return _track_page(request, _dispute_of(token), form, status=409)


def _home() -> list[tuple[str, str]]:
    return [("Disputes and complaints", reverse("disputes:start"))]
