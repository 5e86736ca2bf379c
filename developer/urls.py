from django.urls import path

from developer import docs_views, views

app_name = "developer"

urlpatterns = [
    path("developer", views.landing, name="landing"),
    path("developer/start", views.start, name="start"),
    path("developer/docs", docs_views.docs, name="docs"),
    path("developer/docs/errors/<str:code>", docs_views.error, name="error"),
    path("developer/keys", views.manage, name="keys"),
    path("developer/keys/<int:pk>/rotate", views.rotate, name="rotate"),
    path("developer/keys/<int:pk>/revoke", views.revoke, name="revoke"),
]
