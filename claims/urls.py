from django.urls import path

from claims import views

app_name = "claims"

urlpatterns = [
    path("sla-credits", views.start, name="start"),
    path("sla-credits/lost-link", views.lost_link, name="lost_link"),
    path("sla-credits/track/<str:token>", views.track, name="track"),
    path("sla-credits/track/<str:token>/withdraw", views.withdraw, name="withdraw"),
    path("sla-credits/track/<str:token>/files/<int:pk>", views.download, name="download"),
]
