from django.urls import path

from billing.views import pay

app_name = "billing"

urlpatterns = [path("billing/pay/<str:token>", pay, name="pay")]
