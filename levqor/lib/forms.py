"""What forms share: how each is drawn, their fields, and on open pages a trap for programs and an id by which pressing twice
is pressing once."""

import re
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting

# Nobody reads and fills in a form faster; what was typed into one is kept, however long it was open.
FASTEST_SECONDS = 3


# What is not seen and changes how the text beside it reads: turns of direction, joints of no width, controls. A NUL is
# left to the forms, which refuse it. Emoji keep their joiner.
UNSEEN = re.compile(
    "[\u202a-\u202e\u2061-\u206f\u200b\u2060\ufeff\xad\u061c\u180e\U000e0000-\U000e0fff"
    "\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)


class SiteFormRenderer(TemplatesSetting):
    """One template for a field (label, hint, error, control), one for a form. `base.html` lists the errors of a form named
    `form` again at the top of the page."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/_field.html"


class LineField(forms.CharField):
    """Text of one line, such as a name; what is not seen is left out, and counts towards its length all the same."""

    def to_python(self, value: Any) -> str:
        return " ".join(UNSEEN.sub("", super().to_python(value) or "").split())

    def clean(self, value: Any) -> str:
        # The API's document names the lengths, and its readers cannot know what we leave out.
        self.run_validators(super().to_python(value))
        return str(super().clean(value))


class LongTextField(forms.CharField):
    """Text of several lines; a line's end counts as one character, however the browser sends it. What is not seen is left
    out, and counts towards the greatest length all the same."""

    widget = forms.Textarea

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # A browser counts an emoji as two where we count one: the limit stands in the hint and is judged here.
        attrs = super().widget_attrs(widget)
        return {name: value for name, value in attrs.items() if name not in {"maxlength", "minlength"}}

    def to_python(self, value: Any) -> str:
        return UNSEEN.sub("", self._as_sent(value)).strip()

    def clean(self, value: Any) -> str:
        self.run_validators(self._as_sent(value))
        return str(super().clean(value))

    def _as_sent(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n")


# What mail programs take into a link from the text around it.
STRAY = " \t\r\n.,;:!?)]}>'\"”’"
# One address and nothing else: no name, no list, no machine's number for a domain. The outbox sends to nothing else.
ONE_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\]+")


class AddressField(forms.EmailField):
    """An email address, with messages that say what to enter; a label names what the field is for."""

    def __init__(self, *, label: str = "Email address", **kwargs: Any) -> None:
        messages = {
            "required": f"Enter your {label[:1].lower()}{label[1:]}.",
            "invalid": "Enter an email address, such as name@example.com.",
            "null_characters_not_allowed": "Enter an email address, such as name@example.com.",
            "max_length": "An email address has at most 254 characters.",
        }
        super().__init__(label=label, max_length=254, error_messages=messages, **kwargs)

    def clean(self, value: Any) -> str:
        address = str(super().clean(value))
        if address and not ONE_ADDRESS.fullmatch(address):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return address

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return super().widget_attrs(widget) | {"autocomplete": "email", "spellcheck": "false"}


class HumanForm(forms.Form):
    """A form for people on a page that needs no sign-in.

    It carries a signed note of how it was opened, with an id by which pressing twice is pressing once; a form that shows
    what may change sets how old that note may be, and says in `opening` what else it notes.
    """

    SALT: ClassVar[str] = "lib.human-form"
    OLDEST_SECONDS: ClassVar[int | None] = None
    NOT_RECOGNISED: ClassVar[str] = "The form could not be recognised. Please look at it again and send it once more."

    # Called by a name that no browser takes for a field of its profile.
    quiet_line = forms.CharField(
        label="Leave this field empty",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    opened = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["opened"].initial = signing.dumps(self.opening(), salt=self.SALT)

    def opening(self) -> dict[str, Any]:
        """What is noted of this opening of the form."""
        return {"id": uuid4().hex}

    def clean_quiet_line(self) -> str:
        if self.cleaned_data["quiet_line"]:
            # Browsers fill it in for people: it comes back empty, and the second try counts.
            self.data = {**{name: self.data[name] for name in self.data}, "quiet_line": ""}
            raise ValidationError("Leave the field “Leave this field empty” empty: it is there for programs.")
        return ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if opened := self._opened(cleaned.get("opened", "")):
            cleaned |= {**opened, "submission": UUID(hex=opened["id"])}
        return cleaned

    def _opened(self, token: str) -> dict[str, Any] | None:
        """What was noted; None, and an error, where the note is not ours or too old, or the form was filled in too fast."""
        try:
            opened: dict[str, Any] = signing.loads(token, salt=self.SALT, max_age=self.OLDEST_SECONDS)
        except signing.BadSignature:
            # The form is shown again with its words kept and a fresh id.
            self.data = {**{name: self.data[name] for name in self.data}, "opened": self.fields["opened"].initial}
            self.add_error(None, self.NOT_RECOGNISED)
            return None
        # Whoever has something to put right looks at the form for long enough.
        if not self.errors and self._is_younger_than(token, FASTEST_SECONDS):
            self.add_error(None, "That was very quick. Please look at what you entered and press the button once more.")
        return opened

    def _is_younger_than(self, token: str, seconds: int) -> bool:
        try:
            signing.loads(token, salt=self.SALT, max_age=seconds)
        except signing.SignatureExpired:
            return False
        return True
