from django.urls import path

from disputes import views

app_name = "disputes"

urlpatterns = [
    path("disputes", views.start, name="start"),
    path("disputes/lost-link", views.lost_link, name="lost_link"),
    path("disputes/track/<str:token>", views.track, name="track"),
    path("disputes/track/<str:token>/escalate", views.escalate, name="escalate"),
    path("disputes/track/<str:token>/accept", views.accept, name="accept"),
    path("disputes/track/<str:token>/withdraw", views.withdraw, name="withdraw"),
    path("disputes/track/<str:token>/letters/<int:pk>.pdf", views.letter, name="letter"),
    path("disputes/track/<str:token>/files/<int:pk>", views.download, name="download"),
]
