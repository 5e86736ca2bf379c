"""The back office's texts for answering cases."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from levqor.cases.models import CannedReply
from levqor.lib.admin import BaseAdmin


@admin.register(CannedReply)
class CannedReplyAdmin(BaseAdmin):
    list_title = "Canned replies"
    list_help = (
        "Texts to begin from when you write to a customer about a claim or dispute. What is in braces is filled in."
    )
    empty_title = "No text is kept yet"
    empty_text = "Add one: it is offered on every page from which a customer is answered."
    list_display = ["title", "series", "is_active", "use_count"]
    list_filter = ["series", "is_active"]
    search_fields = ["title", "body"]
    ordering = ["title"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Taken out of use instead, so that what was counted stays.
        return False
