"""The addresses of the documents: the one in force at its slug, everything else below `/legal`."""

from django.urls import path, re_path, register_converter
from django.urls.converters import IntConverter

from legal import order_views, views
from legal.catalogue import DOCUMENTS

app_name = "legal"


class NumberConverter(IntConverter):
    """The number of a version as it was given: no zero before it."""

    regex = "[1-9][0-9]{0,8}"


register_converter(NumberConverter, "number")

urlpatterns = [
    path("dfy-agreement", order_views.agreement, name="agreement"),
    *[path(document.slug, views.document, {"slug": document.slug}, name="document") for document in DOCUMENTS],
    path("pricing", views.pricing, name="pricing"),
    path("legal", views.index, name="index"),
    path("legal/verify", order_views.verify, name="verify"),
    path("legal/receipt/<str:token>", order_views.receipt, name="receipt"),
    path("legal/receipt/<str:token>/receipt.<str:kind>", order_views.receipt_file, name="receipt_file"),
    path("legal/<slug:slug>", views.document, name="document_again"),
    path("legal/<slug:slug>/v/<number:number>", views.version, name="version"),
    path("legal/<slug:slug>/v/<number:number>.pdf", views.version_pdf, name="version_pdf"),
    path("legal/<slug:slug>/v/<number:number>.html", views.version_bytes, name="version_bytes"),
    path("legal/<slug:slug>/diff", views.choose_difference, name="choose_difference"),
    path("legal/<slug:slug>/diff/<number:older>/<number:newer>", views.difference, name="difference"),
    # Not with a slash at the end: that form moves to the one without.
    re_path(r"^legal/(?P<slug>[-\w]+)/(?P<rest>.*[^/])$", views.nothing, name="nothing"),
]
