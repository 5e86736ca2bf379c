from django.urls import path

from billing.views import pay, reminders, try_card

app_name = "billing"

urlpatterns = [
    path("billing/pay/<str:token>", pay, name="pay"),
    path("billing/pay/<str:token>/try-card", try_card, name="try_card"),
    path("billing/reminders/<str:token>", reminders, name="reminders"),
]
