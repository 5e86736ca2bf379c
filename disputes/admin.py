"""The back office of disputes: the queue by deadline."""

from django.contrib import admin

from disputes.models import Dispute
from levqor.lib.admin import ReadOnlyAdmin


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_title = "Disputes"
    list_display = ["case", "subject", "stage", "status"]
    list_select_related = ["case"]
    ordering = ["-pk"]
