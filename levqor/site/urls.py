from django.urls import path

from levqor.site.account import account
from levqor.site.views import home, llms, robots, security, sitemap, styleguide

app_name = "site"

urlpatterns = [
    path("", home, name="home"),
    path("styleguide", styleguide, name="styleguide"),
    path("account", account, name="account"),
    path("robots.txt", robots, name="robots"),
    path("sitemap.xml", sitemap, name="sitemap"),
    path("llms.txt", llms, name="llms"),
    path(".well-known/security.txt", security, name="security"),
]
