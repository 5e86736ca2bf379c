"""What staff are asked when they act on the money of a claim."""

from decimal import Decimal

from django import forms

from levqor.cases.desk_forms import DeedForm


class LookedForm(DeedForm):
    label = "Where did you look, and what stood there?"


class ProposeForm(DeedForm):
    label = "Reason"
    help_text = "Whoever approves it reads it, and so does the customer."

    amount = forms.DecimalField(
        label="Another amount",
        required=False,
        min_value=Decimal("0.01"),
        decimal_places=2,
        max_digits=10,
        help_text="Empty: what the measurement gives. Any other amount needs two approvals.",
    )
    field_order = ["words", "amount"]

    @property
    def amount_cents(self) -> int | None:
        amount = self.cleaned_data["amount"]
        return None if amount is None else int(amount * 100)


class ReferenceForm(DeedForm):
    label = "What did you do?"

    reference = forms.CharField(
        label="Reference",
        max_length=200,
        help_text="The credit note, bank transfer or transaction by which it can be found again.",
        error_messages={"required": "Enter the reference."},
    )
    field_order = ["reference", "words"]
