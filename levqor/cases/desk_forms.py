"""What staff are asked when they act on a claim or dispute."""

from typing import Any, Protocol, cast

from django import forms
from django.db.models import F, QuerySet

from levqor.accounts.models import Account, User
from levqor.cases.files import JudgedFile
from levqor.cases.forms import FormWithFiles
from levqor.cases.models import CannedReply, Case
from levqor.cases.tracking import tracking_url
from levqor.lib.forms import LongTextField


class Matter(Protocol):
    """A claim or dispute: what it has in common stands on its case."""

    @property
    def case(self) -> Case: ...


class DeedForm(forms.Form):
    """The words of a deed, and what the person had seen of the case. Subclasses ask for more."""

    label = "Why?"
    help_text = "Kept in the history with your name."

    words = LongTextField(max_length=10_000, widget=forms.Textarea(attrs={"rows": 5, "autofocus": True}))
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, matter: Matter, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.matter = matter
        words = self.fields["words"]
        words.label, words.help_text = self.label, self.help_text
        words.error_messages["required"] = "Write at least some words."

    @property
    def said(self) -> str:
        return str(self.cleaned_data["words"])

    def show_again(self, revision: int, problem: str) -> None:
        """Keeps what was typed, beside what is wrong with it, for somebody who has now seen the case as it is."""
        posted: Any = self.data
        self.data = answers = posted.copy()
        answers["revision"] = revision
        self.add_error(None, problem)


class WordlessForm(DeedForm):
    """A deed that explains itself."""

    def __init__(self, matter: Matter, *args: Any, **kwargs: Any) -> None:
        super().__init__(matter, *args, **kwargs)
        del self.fields["words"]


class DeedWithFilesForm(FormWithFiles, DeedForm):
    """A deed with files, which have the visibility of its words."""

    @property
    def attached(self) -> list[JudgedFile]:
        return list(self.cleaned_data.get("attachments") or [])


class NoteForm(DeedWithFilesForm):
    label = "Note"
    help_text = "For staff alone: it is never shown or mailed to the customer."


class ToCustomerForm(DeedForm):
    """Words that the customer reads; they may begin from a canned reply."""

    help_without_address = ""
    canned = forms.ModelChoiceField(CannedReply.objects.none(), required=False, widget=forms.HiddenInput)

    def __init__(self, matter: Matter, *args: Any, **kwargs: Any) -> None:
        super().__init__(matter, *args, **kwargs)
        if self.help_without_address and not matter.case.email:
            self.fields["words"].help_text = self.help_without_address
        texts = CannedReply.objects.fitting(matter.case)
        cast("forms.ModelChoiceField[CannedReply]", self.fields["canned"]).queryset = texts

    def begin_from(self, pk: str) -> None:
        """Fills the words with the text of this number, where there is one."""
        text = self.texts().filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
        if text:
            self.initial["words"] = text.fill(self.matter.case, tracking_url=tracking_url(self.matter.case))
            self.initial["canned"] = text.pk

    def texts(self) -> "QuerySet[CannedReply]":
        return CannedReply.objects.fitting(self.matter.case)

    def count_use(self) -> None:
        if text := self.cleaned_data.get("canned"):
            CannedReply.objects.filter(pk=text.pk).update(use_count=F("use_count") + 1)


class MessageToCustomerForm(ToCustomerForm, DeedWithFilesForm):
    label = "Message to the customer"
    help_text = "It stands on their page and is mailed at once."
    help_without_address = "It stands on their page. They gave no address, so nothing is mailed."


class ReasonToCustomerForm(ToCustomerForm):
    label = "Reason"
    help_text = "The customer reads it on their page and in the mail."
    help_without_address = "The customer reads it on their page. They gave no address, so nothing is mailed."


class AssignForm(DeedForm):
    owner = forms.ModelChoiceField(
        User.objects.none(), label="To whom?", required=False, empty_label="Nobody: back to the queue"
    )
    field_order = ["owner", "words"]

    def __init__(self, matter: Matter, *args: Any, **kwargs: Any) -> None:
        super().__init__(matter, *args, **kwargs)
        staff = User.objects.filter(is_staff=True, is_active=True).order_by("email")
        cast("forms.ModelChoiceField[User]", self.fields["owner"]).queryset = staff


class TieForm(DeedForm):
    account = forms.CharField(
        label="Account",
        help_text="Its number, its billing address, or the customer’s id at Stripe.",
        error_messages={"required": "Enter one of the three."},
    )
    field_order = ["account", "words"]

    def clean_account(self) -> Account:
        text = str(self.cleaned_data["account"]).strip()
        found = list(_accounts_named(text)[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                "Several accounts fit; use the number or the id at Stripe." if found else "No account fits."
            )
        return found[0]


def _accounts_named(text: str) -> "QuerySet[Account]":
    if text.isdecimal() and len(text) < 19:
        return Account.objects.filter(pk=int(text))
    if text.startswith("cus_"):
        return Account.objects.filter(stripe_customer_id=text)
    return Account.objects.filter(billing_email__iexact=text)
