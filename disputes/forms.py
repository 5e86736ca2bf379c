"""The dispute as people and programs send it: one form of validation for the page and the API."""

from typing import Any, ClassVar, Final, cast

from django import forms
from django.core.exceptions import ValidationError

from disputes.models import Category, Stage
from disputes.stages import STEPS
from levqor.cases.forms import FormWithFiles, MessageForm
from levqor.lib.forms import AddressField, HumanForm, LineField, LongTextField

MOST_TICKETS: Final = 10
LONGEST_TICKET: Final = 100
FILED_AT: Final = [(stage.value, stage.label) for stage in Stage if stage != Stage.EXTERNAL]


class TicketsField(forms.Field):
    """Up to ten numbers of earlier tickets, each one line; cleaned to a list without empty ones and repeats.

    A fault of one of them carries its place, so that the API can point to it.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.line = LineField(max_length=LONGEST_TICKET, required=False)

    def to_python(self, value: Any) -> list[str]:
        return [str(line) for line in self.split(value)]

    def split(self, value: Any) -> list[Any]:
        return list(value or [])

    def clean(self, value: Any) -> list[str]:
        cleaned: dict[str, None] = {}
        faults: list[ValidationError] = []
        given = self.to_python(value)
        if len(given) > MOST_TICKETS:
            raise ValidationError(f"Name {MOST_TICKETS} tickets at most; these are {len(given)}.", code="max_items")
        for place, line in enumerate(given):
            try:
                cleaned |= {self.line.clean(line): None}
            except ValidationError as error:
                faults += [
                    ValidationError(f"Ticket {place + 1}: {message}", code=found.code, params={"place": place})
                    for found in error.error_list
                    for message in found.messages
                ]
        if faults:
            raise ValidationError(faults)
        return [number for number in cleaned if number]


class TypedTicketsField(TicketsField):
    """The same as one line of a page, between commas or line ends."""

    widget = forms.TextInput

    def split(self, value: Any) -> list[Any]:
        parts = str(value or "").replace("\n", ",").replace(";", ",").split(",")
        return [part for part in parts if part.strip()]


class DisputeForm(forms.Form):
    """What every dispute has. The names of the API stand in `POINTERS`."""

    POINTERS: ClassVar[dict[str, str]] = {
        "category": "category",
        "subject": "subject",
        "description": "description",
        "full_name": "fullName",
        "email": "email",
        "account": "account",
        "ticket_numbers": "ticketNumbers",
        "desired_resolution": "desiredResolution",
        "stage": "stage",
    }

    stage = forms.ChoiceField(
        label="Where do you want to begin?",
        choices=FILED_AT,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose support, escalation or complaint."},
    )
    category = forms.ChoiceField(
        label="What is it about?",
        choices=[("", "Choose one"), *Category.choices],
        error_messages={
            "required": "Choose what it is about.",
            "invalid_choice": f"Choose one of: {', '.join(Category.values)}.",
        },
    )
    subject = LineField(
        label="Subject",
        min_length=3,
        max_length=200,
        help_text="One line, such as the invoice or message that it is about. 3 to 200 characters.",
        error_messages={"required": "Enter a subject."},
    )
    description = LongTextField(
        label="What happened",
        min_length=10,
        max_length=10_000,
        help_text="What went wrong, when, and what was said so far. 10 to 10,000 characters.",
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Describe what happened."},
    )
    desired_resolution = LongTextField(
        label="What would put it right",
        max_length=10_000,
        required=False,
        help_text="The sum, the action or the words that would settle it for you. Up to 10,000 characters.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ticket_numbers = TicketsField(label="Earlier tickets", required=False)
    full_name = LineField(
        label="Full name", max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = AddressField(
        required=False,
        help_text="Every answer goes there. Without it, the link to your dispute is the only way to hear from us.",
    )
    account = LineField(
        label="Account or company",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_stage(self) -> str:
        return str(self.cleaned_data["stage"] or Stage.SUPPORT)


class DisputePageForm(FormWithFiles, HumanForm, DisputeForm):
    """The dispute's page: files may come along, and programs are told apart."""

    ticket_numbers = TypedTicketsField(
        label="Earlier tickets",
        required=False,
        help_text="Their numbers or references, with commas between them.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    field_order = [
        *("stage", "category", "subject", "description", "desired_resolution", "ticket_numbers"),
        *("attachments", "full_name", "email", "account"),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stage = cast("forms.ChoiceField", self.fields["stage"])
        stage.initial, stage.required = Stage.SUPPORT, True
        stage.error_messages["required"] = "Choose where to begin."
        stage.choices = [
            (step.stage.value, f"{step.stage.label}: answer in {step.days} business days") for step in STEPS
        ]


class EscalateForm(MessageForm):
    """Why it goes a stage up, and how it stood when the page was opened."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    field_order = ["body", "attachments"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        body = self.fields["body"]
        body.label, body.required = "What should we look at again?", False
