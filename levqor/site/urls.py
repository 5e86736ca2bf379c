from django.urls import path

from levqor.site.views import home, robots

app_name = "site"

urlpatterns = [
    path("", home, name="home"),
    path("robots.txt", robots, name="robots"),
]
