"""The door for Resend: Anymail's tracking webhook, open only where a secret signs what comes in.

Anymail itself would take unsigned events where no secret is set, and its URL list opens doors for a dozen providers that
we do not use: whoever finds one could report bounces of our mail. So this is the only one, and it is shut by default.
"""

import structlog
from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks.resend import ResendTrackingWebhookView
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from levqor.mail.signing import is_usable

logger = structlog.get_logger(__name__)


@csrf_exempt
def receive_tracking_event(request: HttpRequest) -> HttpResponse:
    """`POST /anymail/resend/tracking/`: 403 without a secret, 400 for what Resend did not sign or nobody can read."""
    secret = settings.RESEND_SIGNING_SECRET
    if not is_usable(secret):
        return _refuse(403, "No signing secret is configured here; set RESEND_SIGNING_SECRET.")
    try:
        answer: HttpResponse = ResendTrackingWebhookView.as_view(signing_secret=secret)(request)
    except AnymailWebhookValidationFailure:
        return _refuse(400, "The signature does not fit the body.")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Signed, and yet no event as Resend describes it: said clearly, and never a crash.
        logger.warning("tracking_event_unreadable", error=type(error).__name__, exc_info=True)
        return _refuse(400, "The body is no tracking event.")
    return answer


def _refuse(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
