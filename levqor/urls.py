"""Every address of Levqor; each app brings its own list."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from billing.webhooks import receive_stripe_event
from levqor.api import api
from levqor.lib.openapi import serve
from levqor.mail.webhooks import receive_tracking_event
from levqor.site.errors import not_found

urlpatterns = [
    path("", include("levqor.site.urls")),
    path("", include("legal.urls")),
    path("", include("billing.urls")),
    path("", include("status.urls")),
    path("", include("claims.urls")),
    path("", include("disputes.urls")),
    path("", include("developer.urls")),
    path("api/webhooks/stripe", receive_stripe_event, name="stripe-webhook"),
    path("public/openapi.json", serve, name="openapi"),
    # Ninja has a view of its own at its root, which asks a POST for a token before it finds nothing.
    path("api/", csrf_exempt(not_found)),
    path("api/", api.urls),
    path("anymail/resend/tracking/", receive_tracking_event, name="resend-tracking"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "levqor.site.errors.bad_request"
handler403 = "levqor.site.errors.forbidden"
handler404 = "levqor.site.errors.not_found"
handler429 = "levqor.site.errors.too_many_requests"
handler500 = "levqor.site.errors.server_error"
