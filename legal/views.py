"""The public pages of the documents: the version in force, every version for good, comparisons, PDFs."""

import hashlib
from collections.abc import Callable

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from legal import offer, reading
from legal.comparison import compare
from legal.models import DfyPackage, DocumentVersion, PublishedPdf, VersionStatus
from legal.reading import Shelf
from levqor.accounts.models import Plan
from levqor.lib.problems import no_content

FOR_EVER = "public, max-age=31536000, immutable"

type View = Callable[..., HttpResponse]


def fresh(view: View) -> View:
    """A page that changes at a moment of the calendar: a cache asks before it gives it out again, and hears 304 mostly."""
    return gzip_page(require_safe(conditional_page(cache_control(no_cache=True)(view))))


@fresh
def index(request: HttpRequest) -> HttpResponse:
    documents = reading.listed_documents(at=timezone.now())
    return render(request, "legal/index.html", {"documents": documents, "breadcrumbs": trail()})


@fresh
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """The version in force; where there is none, a page that lists all documents, as 404."""
    shelf = reading.shelf(slug, at=timezone.now())
    if shelf is None or shelf.current is None:
        return unknown(request, shelf=shelf)
    return render(request, "legal/document.html", document_context(shelf, shelf.current))


@fresh
def pricing(request: HttpRequest) -> HttpResponse:
    """What everything costs today, from the same rows that fill the texts of new versions."""
    context = {
        "plans": Plan.objects.order_by("position"),
        "packages": DfyPackage.objects.on_sale(),
        "waiting": offer.standing(at=timezone.now()).waiting,
    }
    return render(request, "legal/pricing.html", context)


@fresh
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version for good, with its standing."""
    shelf = reading.shelf(slug, at=timezone.now())
    listed = shelf.numbered(number) if shelf else None
    if shelf is None or listed is None:
        return unknown(request, shelf=shelf)
    context = document_context(shelf, listed.version) | {"listed": listed, "is_permanent": True}
    return render(request, "legal/document.html", context)


def document_context(shelf: Shelf, chosen: DocumentVersion) -> dict[str, object]:
    """What the page of a version shows; its text is read here."""
    full = DocumentVersion.objects.defer("source", "facts").get(pk=chosen.pk)
    return {
        "shelf": shelf,
        "document": shelf.document,
        "version": full,
        "text": reading.shown(full),
        "earlier": shelf.before(chosen),
        "breadcrumbs": trail(shelf),
        "VersionStatus": VersionStatus,
    }


@require_safe
def version_pdf(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The PDF as it was made at publication: the same bytes for ever."""
    pdf = PublishedPdf.objects.filter(version__in=_published(slug, number)).first()
    if pdf is None:
        return nothing(request, slug, "")
    content = bytes(pdf.content)
    if hashlib.sha256(content).hexdigest() != pdf.sha256:
        # Never made anew: its hash is in the hands of customers. The crash report is the alarm.
        raise RuntimeError(f"The stored PDF of {slug} version {number} is not the one that was published.")
    return _unchanging(request, content, pdf.sha256, "application/pdf", f"levqor-{slug}-v{number}.pdf")


@require_safe
def version_bytes(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The text's own bytes, over which the SHA-256 beside it is taken, as a file to keep."""
    found = _published(slug, number).only("html", "sha256").first()
    if found is None:
        return nothing(request, slug, "")
    return _unchanging(
        request, found.html.encode(), found.sha256, "text/plain; charset=utf-8", f"{slug}-v{number}.html"
    )


def _published(slug: str, number: int) -> "QuerySet[DocumentVersion]":
    return DocumentVersion.objects.published().filter(document__slug=slug, number=number)


def _unchanging(request: HttpRequest, content: bytes, sha256: str, content_type: str, name: str) -> HttpResponse:
    disposition = "inline" if content_type == "application/pdf" else "attachment"
    headers = {
        "ETag": f'"{sha256}"',
        "Cache-Control": FOR_EVER,
        "Content-Disposition": f'{disposition}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    known = request.headers.get("If-None-Match", "")
    if f'"{sha256}"' in known or known.strip() == "*":
        return no_content({"ETag": headers["ETag"], "Cache-Control": FOR_EVER}, status=304)
    return HttpResponse(content, content_type=content_type, headers=headers)


@fresh
def difference(request: HttpRequest, slug: str, older: int, newer: int) -> HttpResponse:
    """Any two versions, word by word."""
    shelf = reading.shelf(slug, at=timezone.now())
    first, second = (shelf.numbered(older), shelf.numbered(newer)) if shelf else (None, None)
    if shelf is None or first is None or second is None:
        return unknown(request, shelf=shelf)
    texts = DocumentVersion.objects.defer("source", "facts", "outline").in_bulk([first.version.pk, second.version.pk])
    context = {
        "shelf": shelf,
        "document": shelf.document,
        "older": first,
        "newer": second,
        "comparison": compare(texts[first.version.pk].html, texts[second.version.pk].html),
        "breadcrumbs": trail(shelf, ("What changed", "")),
    }
    return render(request, "legal/difference.html", context)


@require_safe
def choose_difference(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of two version numbers, answered with the address that compares them."""
    numbers = [request.GET.get("from", ""), request.GET.get("to", "")]
    if not all(number.isdecimal() and len(number) < 6 for number in numbers):
        return unknown(request, shelf=reading.shelf(slug, at=timezone.now()))
    pair = [int(number) for number in numbers]
    if 0 in pair:
        return nothing(request, slug, "")
    return HttpResponse(status=302, headers={"Location": reverse("legal:difference", args=[slug, *pair])})


@require_safe
def nothing(request: HttpRequest, slug: str, rest: str) -> HttpResponse:
    """What was never an address of the document."""
    return unknown(request, shelf=reading.shelf(slug, at=timezone.now()))


def unknown(request: HttpRequest, *, shelf: Shelf | None = None) -> HttpResponse:
    """404 with all documents to choose from, and the versions of the one that was meant."""
    context = {
        "shelf": shelf,
        "documents": reading.listed_documents(at=timezone.now()),
        "breadcrumbs": trail(),
    }
    return render(request, "legal/unknown.html", context, status=404)


def trail(shelf: Shelf | None = None, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """The breadcrumbs from the list of documents down."""
    crumbs = [("Policies and agreements", reverse("legal:index"))]
    if shelf:
        crumbs.append((shelf.document.title, shelf.document.path))
    return [*crumbs, *more]
