"""What every page shows: the company, the navigation, whom to write to, and the id of this request."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from levqor.site import navigation
from status.memory import memory


@dataclass(frozen=True)
class Company:
    """The facts that the law asks a company's site to state; an empty one is not stated."""

    name: str
    number: str
    registered_in: str
    registered_office: str
    vat_number: str


def company() -> Company:
    return Company(
        name=settings.COMPANY_NAME,
        number=settings.COMPANY_NUMBER,
        registered_in=settings.REGISTERED_IN,
        registered_office=settings.REGISTERED_OFFICE,
        vat_number=settings.VAT_NUMBER,
    )


def site(request: HttpRequest) -> dict[str, Any]:
    return frame(path=request.path, request_id=getattr(request, "request_id", ""))


def frame(*, path: str, request_id: str) -> dict[str, Any]:
    """Asks neither the session nor the database (the status is what this process holds): error pages are drawn from it."""
    return {
        "site_url": settings.SITE_URL,
        "canonical_url": settings.SITE_URL + path,
        "path": path,
        "support_email": settings.SUPPORT_EMAIL,
        "complaints_email": settings.COMPLAINTS_EMAIL,
        "company": company(),
        "header_links": navigation.links(navigation.HEADER, path=path),
        "account_links": navigation.links(navigation.ACCOUNT, path=path),
        "status_banner": memory.live().banner,
        "footer_groups": navigation.groups(path=path),
        "request_id": request_id,
    }
