"""The bare view: it verifies the signature and inserts one row, and that is all. What any webhook costs at the least."""

import json
import os

import django
import stripe
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": json.loads(os.environ["BENCH_DATABASE"])},
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
)
django.setup()

SECRET = os.environ["STRIPE_WEBHOOK_SECRET"]


class Received(models.Model):
    body = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bare"


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    try:
        stripe.WebhookSignature.verify_header(request.body, request.headers.get("Stripe-Signature"), SECRET, 300)
    except stripe.SignatureVerificationError:
        return HttpResponse(status=400)
    Received.objects.create(body=request.body)
    return JsonResponse({"received": True})


urlpatterns = [path("api/webhooks/stripe", receive)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Received)
