"""The forms of the back office's pages of documents and acceptances."""

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from legal.models import DocumentVersion


class DraftForm(forms.Form):
    source = forms.CharField(
        label="Text (Markdown)",
        strip=False,
        max_length=400_000,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "true", "class": "legal-source"}),
    )
    note = forms.CharField(
        label="What changes, and why?",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Shown to readers beside the version. Needed for publishing.",
    )
    is_material = forms.BooleanField(
        label="Material: changes what customers may do, get or pay",
        required=False,
        help_text="Announced 30 days ahead.",
    )
    edit_count = forms.IntegerField(
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "invalid"),
            "It is lost which words you had before you. Copy yours, and open the draft again.",
        ),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail with your name.",
    )


class PublishForm(forms.Form):
    """`effective_date` empty: at once."""

    reason = forms.CharField(
        label="What changes, and why?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown to readers beside the version, for good.",
    )
    is_material = forms.BooleanField(label="Material change: announced 30 days ahead", required=False)
    effective_date = forms.DateField(
        label="In force from",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: at once. Any later day: announced until then, from the first minute of that day in London.",
    )
    edit_count = forms.IntegerField(widget=forms.HiddenInput)
    shown = forms.CharField(
        max_length=64,
        widget=forms.HiddenInput,
        error_messages={"required": "It is lost which text you have read: open this page again."},
    )

    def __init__(self, draft: DocumentVersion, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft = draft

    def clean_edit_count(self) -> int:
        count: int = self.cleaned_data["edit_count"]
        if count != self.draft.edit_count:
            raise ValidationError(
                "The draft was changed since this page was shown. Look at it again before publishing."
            )
        return count

    def clean_effective_date(self) -> date | None:
        day: date | None = self.cleaned_data["effective_date"]
        if day and day <= timezone.localdate():
            raise ValidationError("Choose a day after today, or leave this empty: the version then counts at once.")
        return day

    def effective_at(self) -> datetime | None:
        day: date | None = self.cleaned_data["effective_date"]
        return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone()) if day else None

    def day(self) -> date:
        """The day from which the text would count, as far as it was chosen."""
        self.full_clean()
        chosen: date | None = self.cleaned_data.get("effective_date") if self.is_bound else None
        return chosen or timezone.localdate()
