from django.urls import path

from billing.card_views import try_card
from billing.preference_views import reminders
from billing.views import pay

app_name = "billing"

urlpatterns = [
    path("billing/pay/<str:token>", pay, name="pay"),
    path("billing/pay/<str:token>/try-card", try_card, name="try_card"),
    path("billing/reminders/<str:token>", reminders, name="reminders"),
]
