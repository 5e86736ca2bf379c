"""The home page and the files that crawlers, researchers and language models ask for."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from legal.models import DfyPackage
from levqor.site import navigation
from levqor.site.sitemap import entries

# Under these addresses is nothing for a search engine: other people's pages, and forms.
PRIVATE_PATHS = [
    "/admin/",
    "/account",
    "/accounts/",
    "/billing/pay/",
    "/sla-credits/track/",
    "/disputes/track/",
    "/api/",
]
SECURITY_TXT_DAYS = 180


class SampleForm(forms.Form):
    """One field of each kind, for the style guide."""

    email = forms.EmailField(label="Work email", help_text="Where the answer goes.")
    plan = forms.ChoiceField(label="Plan", choices=[("starter", "Starter"), ("growth", "Growth")])
    when = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}))
    words = forms.CharField(label="What happened", widget=forms.Textarea, required=False)
    agree = forms.BooleanField(label="I have read the terms")


@gzip_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "site/home.html", navigation.home() | {"packages": _packages()})


def _packages() -> list[DfyPackage]:
    """What is on sale; nothing while the database is away, since the way to the status page leads over this page."""
    try:
        return list(DfyPackage.objects.on_sale())
    except OperationalError:
        return []


@require_safe
@cache_control(public=True, max_age=3600)
def robots(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in PRIVATE_PATHS),
        f"Sitemap: {settings.SITE_URL}/sitemap.xml",
    ]
    return _text("\n".join(lines) + "\n")


@require_safe
@cache_control(public=True, max_age=3600)
def sitemap(request: HttpRequest) -> HttpResponse:
    context = {"entries": entries(at=timezone.now()), "site_url": settings.SITE_URL}
    return render(request, "site/sitemap.xml", context, content_type="application/xml")


@require_safe
@cache_control(public=True, max_age=3600)
def security(request: HttpRequest) -> HttpResponse:
    """RFC 9116; the date is always half a year ahead, so the file cannot go stale unseen."""
    expires = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=SECURITY_TXT_DAYS)
    lines = [
        f"Contact: mailto:{settings.SECURITY_EMAIL}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
    ]
    return _text("\n".join(lines) + "\n")


@require_safe
@cache_control(public=True, max_age=3600)
def llms(request: HttpRequest) -> HttpResponse:
    """https://llmstxt.org: the site in Markdown, for programs that read it on somebody's behalf."""
    context = {
        "starting_points": navigation.links(navigation.STARTING_POINTS),
        "documents": navigation.links([*navigation.POLICIES, *navigation.BUILDS]),
    }
    return render(request, "site/llms.txt", context, content_type="text/plain; charset=utf-8")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component on one page, for whoever builds the next one; on a laptop alone."""
    if not settings.DEBUG:
        raise Http404
    form = SampleForm({"email": "not an address"})
    return render(request, "site/styleguide.html", {"form": form, "breadcrumbs": [("Style guide", "")]})


def _text(body: str) -> HttpResponse:
    return HttpResponse(body, content_type="text/plain; charset=utf-8")
