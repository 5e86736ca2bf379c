"""One search box for everything that staff are given over the phone: a name, an address, an invoice, an id of Stripe's.

Ids and addresses are looked up whole, by their indexes; names and numbers of invoices by a part of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from billing.finding import accounts_matching
from billing.inbox_pages import in_words
from billing.models import PaymentFailure, StripeEvent
from claims.models import Claim
from developer.keys import PREFIX_SHOWN
from developer.models import KEY_PREFIX, ApiKey
from levqor.accounts.models import Account, User
from levqor.guard.references import parse_reference
from levqor.mail.models import OutgoingMail

SHOWN = 10


@dataclass(frozen=True)
class Hit:
    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class Group:
    """The hits of one kind, the first ten of them, and whether there are more."""

    title: str
    hits: list[Hit]
    has_more: bool


def find_view(request: HttpRequest) -> HttpResponse:
    """The page of results; where a single failed payment fits, its case at once."""
    words = request.GET.get("q", "").replace("\0", "").strip()[:200]
    groups = find(words, request) if words else []
    only = _only_hit(groups)
    if only:
        return redirect(only.url)
    context = admin.site.each_context(request) | {
        "title": f"Search: {words}" if words else "Search",
        "has_own_heading": True,
        "words": words,
        "groups": groups,
    }
    return TemplateResponse(request, "admin/desk/search.html", context)


def _only_hit(groups: list[Group]) -> Hit | None:
    cases = [hit for group in groups if group.title in {"Failed payments", "SLA claims"} for hit in group.hits]
    hits = cases or [hit for group in groups for hit in group.hits]
    return hits[0] if len(hits) == 1 else None


def find(words: str, request: HttpRequest) -> list[Group]:
    """What fits the words, of the kinds that this person may see."""
    accounts = accounts_matching(words)
    kinds = [
        ("Failed payments", "billing.view_paymentfailure", _cases(words, accounts)),
        ("SLA claims", "claims.view_claim", _claims(words, accounts)),
        ("Accounts", "accounts.view_account", _account_hits(accounts)),
        ("People", "accounts.view_user", _people(words)),
        ("API keys", "developer.view_apikey", _api_keys(words, accounts)),
        ("Mail", "mail.view_outgoingmail", _mails(words)),
        ("Stripe events", "billing.view_stripeevent", _events(words)),
    ]
    found = [_group(title, hits) for title, permission, hits in kinds if request.user.has_perm(permission)]
    return [group for group in found if group.hits]


def _group(title: str, hits: Iterable[Hit]) -> Group:
    known = list(hits)
    return Group(title, known[:SHOWN], len(known) > SHOWN)


def _cases(words: str, accounts: list[Account]) -> Iterable[Hit]:
    fits = (
        Q(account__in=accounts) | Q(invoice_id=words) | Q(subscription_id=words) | Q(invoice_number__istartswith=words)
    )
    cases = PaymentFailure.objects.filter(fits).select_related("account").order_by("-failure_date")
    for case in cases[: SHOWN + 1]:
        detail = f"{case.account}, {case.amount}, {case.get_status_display().lower()}"
        yield Hit(f"Invoice {case}", detail, reverse("admin:billing_paymentfailure_change", args=[case.pk]))


def _claims(words: str, accounts: list[Account]) -> Iterable[Hit]:
    fits = Q(case__account__in=accounts) | Q(case__reference=parse_reference(words)) | Q(case__email=words.lower())
    claims = Claim.objects.filter(fits).select_related("case").order_by("-pk")
    for claim in claims[: SHOWN + 1]:
        detail = f"{claim.case.full_name}, {claim.month:%B %Y}, {claim.get_status_display().lower()}"
        yield Hit(f"Claim {claim}", detail, reverse("admin:claims_claim_change", args=[claim.pk]))


def _account_hits(accounts: list[Account]) -> Iterable[Hit]:
    for account in accounts[: SHOWN + 1]:
        detail = f"{account.billing_email}, {account.get_standing_display().lower()}"
        yield Hit(str(account), detail, reverse("admin:accounts_account_change", args=[account.pk]))


def _people(words: str) -> Iterable[Hit]:
    people = User.objects.filter(Q(email=words.lower()) | Q(full_name__icontains=words)).order_by("email")
    for person in people[: SHOWN + 1]:
        yield Hit(person.email, person.full_name, reverse("admin:accounts_user_change", args=[person.pk]))


def _api_keys(words: str, accounts: list[Account]) -> Iterable[Hit]:
    """By the beginning that people read out; whoever sends a whole key finds it too, and has to be told to revoke it."""
    begins = Q(prefix=words[:PREFIX_SHOWN]) if words.startswith(KEY_PREFIX) else Q(pk=None)
    for key in ApiKey.objects.filter(Q(account__in=accounts) | begins).select_related("account")[: SHOWN + 1]:
        yield Hit(str(key), str(key.account), reverse("admin:developer_apikey_change", args=[key.pk]))


def _mails(words: str) -> Iterable[Hit]:
    fits = Q(to_email__iexact=words) if "@" in words else Q(provider_id=words)
    mails = OutgoingMail.objects.filter(fits).defer("text_body", "html_body").order_by("-created_at")
    for mail in mails[: SHOWN + 1]:
        written = f"{timezone.localtime(mail.created_at):%-d %b %Y, %H:%M}"
        detail = f"to {mail.to_email}, {mail.get_status_display().lower()}, written {written}"
        yield Hit(mail.subject, detail, reverse("admin:mail_outgoingmail_change", args=[mail.pk]))


def _events(words: str) -> Iterable[Hit]:
    fits = Q(event_id=words) | Q(object_id=words) | Q(invoice_id=words)
    events = StripeEvent.objects.filter(fits).defer("body").order_by("-received_at")
    for event in events[: SHOWN + 1]:
        detail = f"{event.event_id}, {event.get_status_display().lower()}"
        yield Hit(in_words(event), detail, reverse("admin:billing_stripeevent_change", args=[event.pk]))
