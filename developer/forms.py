"""What the keys page asks. Each form carries an id of its own, by which sending it twice is sending it once."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django import forms

from developer.keys import Order
from developer.models import Scope
from levqor.lib.forms import LineField

LIFETIMES: Final = {"30": "30 days", "90": "90 days", "365": "1 year", "never": "Never"}
OVERLAPS: Final = {"0": "At once", "1": "In 1 hour", "6": "In 6 hours", "24": "In 24 hours"}
SCOPES: Final = {
    Scope.METRICS_READ: "Read metrics",
    Scope.JOBS_READ: "Read jobs",
    Scope.JOBS_WRITE: "Make jobs",
}


class OnceForm(forms.Form):
    """A form that knows when it was sent before."""

    form_id = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid4,
        error_messages=dict.fromkeys(("required", "invalid"), "Open the page anew and send the form once more."),
    )

    def begin_anew(self) -> None:
        """Keeps what was typed and takes a fresh id, for a form that is shown again."""
        self.data = {**{name: self.data[name] for name in self.data}, "form_id": str(uuid4())}


class CreateKeyForm(OnceForm):
    name = LineField(
        max_length=80,
        help_text="Where it will be used, such as “ci” or “backup server”.",
        error_messages={"required": "Enter a name.", "max_length": "Use at most 80 characters."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    scopes = forms.TypedMultipleChoiceField(
        label="What it may do",
        coerce=int,
        choices=[(scope.value, f"{words} ({scope.words})") for scope, words in SCOPES.items()],
        initial=[scope.value for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    lifetime = forms.ChoiceField(
        label="When it ends",
        choices=list(LIFETIMES.items()),
        initial="90",
        help_text="A key that ends by itself is one you cannot forget.",
    )

    def order(self, *, at: datetime) -> Order:
        said = self.cleaned_data
        expires_at = None if said["lifetime"] == "never" else at + timedelta(days=int(said["lifetime"]))
        return Order(said["name"], sum(set(said["scopes"])), expires_at, said["form_id"])


class RotateKeyForm(OnceForm):
    overlap = forms.TypedChoiceField(
        label="When the old key stops working",
        coerce=int,
        choices=list(OVERLAPS.items()),
        initial="24",
        widget=forms.RadioSelect,
        help_text="Both keys work until then, so nothing has to stop while you exchange them.",
        error_messages={"required": "Choose when the old key stops working."},
    )
