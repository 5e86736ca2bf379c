from django.urls import path

from status import subscriber_views, views

app_name = "status"

urlpatterns = [
    *(path(address.removeprefix("/"), views.view_of(one), name=one.name) for address, one in views.RESOURCES.items()),
    path("status/incidents/<str:public_id>", views.incident, name="incident"),
    path("status/subscribe", subscriber_views.subscribe, name="subscribe"),
    path("status/subscribe/asked", subscriber_views.subscribe_asked, name="subscribe_asked"),
    path("status/subscribe/confirm/<str:token>", subscriber_views.confirm, name="confirm"),
    path("status/subscribe/manage/<str:token>", subscriber_views.manage, name="manage"),
    path("status/subscribe/end/<str:token>", subscriber_views.unsubscribe, name="unsubscribe"),
    path("api/status/health", views.health, name="health"),
    path("api/status/ready", views.ready, name="ready"),
]
