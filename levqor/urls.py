"""Every address of Levqor; each app brings its own list."""

from django.contrib import admin
from django.urls import include, path

from billing.webhooks import receive_stripe_event

urlpatterns = [
    path("", include("levqor.site.urls")),
    path("", include("billing.urls")),
    path("api/webhooks/stripe", receive_stripe_event, name="stripe-webhook"),
    path("anymail/", include("anymail.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "levqor.site.errors.bad_request"
handler403 = "levqor.site.errors.forbidden"
handler404 = "levqor.site.errors.not_found"
handler500 = "levqor.site.errors.server_error"
