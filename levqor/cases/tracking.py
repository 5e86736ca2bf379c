"""The link by which a customer follows a case: derived from SECRET_KEY and never stored, so nobody who reads the
database can make one. A new link number makes the old links of a case worthless."""

import re
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import content_disposition_header

from levqor.cases.models import Case, CaseFile
from levqor.guard.references import Series
from levqor.lib.forms import STRAY

PAGES: Final = {Series.SLA_CLAIM: "claims:track", Series.DISPUTE: "disputes:track"}
# The back office's page of a case, and the name by which the case knows its claim or dispute.
DESK_PAGES: Final = {
    Series.SLA_CLAIM: ("admin:claims_claim_change", "claim"),
    Series.DISPUTE: ("admin:disputes_dispute_change", "dispute"),
}
# Letters and digits to its end: mail programs leave a last dash out of a link, and take a full stop after it in.
TOKEN: Final = re.compile(r"(([A-Z]{3})-([0-9]{1,18})-([0-9]{1,5}))-([0-9a-f]{40})")


def tracking_token(case: Case) -> str:
    said = f"{case.series}-{case.pk}-{case.link_number}"
    return f"{said}-{_signature(said, settings.SECRET_KEY)}"


def _signature(said: str, secret: str | bytes) -> str:
    """160 bits."""
    return salted_hmac("cases.tracking", said, secret=secret, algorithm="sha256").hexdigest()[:40]


def tracking_url(case: Case) -> str:
    """The whole address, for mails and answers."""
    return settings.SITE_URL + reverse(PAGES[Series(case.series)], args=[tracking_token(case)])


def desk_url(case: Case) -> str:
    """The whole address of the page on which staff work on the case, for mails."""
    page, name = DESK_PAGES[Series(case.series)]
    return settings.SITE_URL + reverse(page, args=[getattr(case, name).pk])


def case_of_token(token: str, series: Series) -> Case | None:
    """The case that the token opens; None where we did not give it out, or gave out a newer one since."""
    match = TOKEN.fullmatch(token)
    if match is None or match[2] != series:
        return None
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(constant_time_compare(match[5], _signature(match[1], secret)) for secret in secrets):
        return None
    pk, number = int(match[3]), int(match[4])
    return Case.objects.filter(pk=pk, series=series, link_number=number).select_related("account").first()


def to_clean_link(request: HttpRequest, token: str, series: Series) -> HttpResponse | None:
    """Leads on from a link that took a sign or blank of the text around it along; None where the token is clean."""
    clean = token.rstrip(STRAY)
    if clean == token or request.method not in {"GET", "HEAD"} or case_of_token(clean, series) is None:
        return None
    return private(HttpResponseRedirect(reverse(PAGES[series], args=[clean])))


def private(response: HttpResponse) -> HttpResponse:
    """A page that whoever has its address may read: nothing hands the address on, and no search engine lists it."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def file_answer(files: "QuerySet[CaseFile]") -> HttpResponse:
    """The one file of the query as a download; 404 where it has none. No browser shows or runs what is in it."""
    file = files.select_related("content").first()
    if file is None:
        raise Http404
    headers = {
        "Content-Disposition": content_disposition_header(True, file.name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return private(HttpResponse(bytes(file.content.content), content_type=file.content_type, headers=headers))
