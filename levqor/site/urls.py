from django.urls import path

from levqor.site import stand_ins
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
    # Each of these goes when its room comes.
    path("developer", stand_ins.developer, name="developer"),
    path("developer/docs", stand_ins.part_of_developer, {"part": "docs"}, name="docs"),
    path("developer/keys", stand_ins.part_of_developer, {"part": "keys"}, name="keys"),
    path("developer/docs/errors/<str:part>", stand_ins.part_of_developer, name="error"),
]
