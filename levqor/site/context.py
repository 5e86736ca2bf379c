from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page shows: whom to write to, and the id of this request."""
    return {
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
        "request_id": getattr(request, "request_id", ""),
    }
