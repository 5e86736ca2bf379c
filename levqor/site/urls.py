from django.urls import path

from levqor.site import stand_ins
from levqor.site.account import account
from levqor.site.views import home, llms, robots, security, sitemap

app_name = "site"

urlpatterns = [
    path("", home, name="home"),
    path("account", account, name="account"),
    path("robots.txt", robots, name="robots"),
    path("sitemap.xml", sitemap, name="sitemap"),
    path("llms.txt", llms, name="llms"),
    path(".well-known/security.txt", security, name="security"),
    # Each of these goes when its room comes.
    path("disputes", stand_ins.disputes, name="disputes"),
]
