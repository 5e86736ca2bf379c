"""Files in a form, and the customer's message on a tracking page."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict

from levqor.cases.files import ACCEPT, KINDS_IN_WORDS, MAX_FILES, JudgedFile, judge_all
from levqor.guard.references import Series, parse_reference
from levqor.lib.forms import AddressField, HumanForm, LongTextField

FILES_LOST: Final = "Choose your files again: your browser did not keep them."
EXAMPLES: Final = {Series.SLA_CLAIM: "SLA-2026-000123-K", Series.DISPUTE: "DSP-2026-000045-T"}


class _SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if isinstance(files, MultiValueDict) else files.get(name)


class FilesField(forms.Field):
    """Up to five files; cleaned to a list of JudgedFile."""

    widget = _SeveralFilesInput

    def __init__(self, **kwargs: Any) -> None:
        hint = f"Up to {MAX_FILES} files of 10 MB each: {KINDS_IN_WORDS}."
        super().__init__(
            widget=_SeveralFilesInput(attrs={"accept": ACCEPT, "multiple": True}), help_text=hint, **kwargs
        )

    def clean(self, value: Any) -> list[JudgedFile]:
        files = judge_all(list(value or []))
        if self.required and not files:
            raise ValidationError(self.error_messages["required"], code="required")
        return files


class FormWithFiles(forms.Form):
    """One to which files may be added."""

    attachments = FilesField(label="Files", required=False)

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        # No browser gives a form its files back: who is not told sends it without them.
        if self.files and field != "attachments" and FILES_LOST not in self.errors.get("attachments", []):
            super().add_error("attachments", FILES_LOST)


class MessageForm(FormWithFiles, HumanForm):
    """What the customer writes on the tracking page."""

    body = LongTextField(
        label="Your message",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Write a message."},
    )

    field_order = ["body", "attachments"]


class LostLinkForm(forms.Form):
    """What somebody knows who lost the link; the link goes to the address on file alone."""

    reference = forms.CharField(
        label="Reference",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Enter the reference."},
    )
    email = AddressField(help_text="The one that you gave us.")

    def __init__(self, *args: Any, series: Series, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hint = f"Such as {EXAMPLES[series]}, from our first mail. Blanks and dashes do not matter."
        self.fields["reference"].help_text = hint

    def clean_reference(self) -> str:
        reference = parse_reference(self.cleaned_data["reference"])
        if reference is None:
            raise ValidationError("This is no reference of ours: a letter or digit is wrong. Please compare it.")
        return reference

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()
