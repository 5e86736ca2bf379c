"""The order form of a build, the question after it, and the form that checks a receipt."""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError

from legal import wording
from legal.acceptance import Declaration
from legal.models import BuyerKind, DfyPackage, DocumentVersion
from legal.offer import Offer
from levqor.lib.forms import AddressField, HumanForm, LineField

SALT = "legal.order"
MAX_UPLOAD = 2_000_000


class PackageField(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django takes no parameter at run time
    def label_from_instance(self, package: Any) -> str:
        return f"{package.name}, {package.price}: {package.workflows_in_words}, {package.delivery}"


class OrderForm(HumanForm):
    """What somebody orders, and as whom. Boxes are never ticked for anybody."""

    SALT = "legal.order-form"
    # A form older than a day shows what may have changed.
    OLDEST_SECONDS = 24 * 3600
    NOT_RECOGNISED = "The form was open for too long. Please look at it again and send it once more."

    package = PackageField(
        DfyPackage.objects.none(),
        to_field_name="slug",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a package.", "invalid_choice": "Choose one of the packages."},
    )
    full_name = LineField(
        label="Your full name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your full name."},
    )
    email = AddressField(help_text="The receipt and copies of all documents go there.")
    company = LineField(
        label="Company",
        max_length=200,
        required=False,
        help_text="Needed when you buy for a business.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    kind = forms.ChoiceField(
        label="For whom do you buy?",
        choices=[(BuyerKind.CONSUMER, wording.CONSUMER), (BuyerKind.BUSINESS, wording.BUSINESS)],
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether you buy for yourself or for a business."},
    )
    wants_early_start = forms.BooleanField(
        label=wording.EARLY_START, required=False, help_text="Only if you buy for yourself, and only if you like."
    )
    acknowledges_loss = forms.BooleanField(
        label=wording.RIGHT_LOST, required=False, help_text="Only if you buy for yourself, and only if you like."
    )

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        self.offer = offer
        super().__init__(*args, **kwargs)
        on_offer = DfyPackage.objects.filter(pk__in=[package.pk for package in offer.packages])
        cast(PackageField, self.fields["package"]).queryset = on_offer

    def opening(self) -> dict[str, Any]:
        return super().opening() | {"shown_versions": [version.pk for version in self.offer.versions]}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("kind") == BuyerKind.BUSINESS and not cleaned.get("company") and "company" not in self.errors:
            self.add_error("company", "Enter the name of the business that you buy for.")
        return super().clean()

    def sign(self, versions: list[DocumentVersion], *, at: datetime) -> str:
        """The order as it is shown for a last look, in a form that cannot be altered."""
        cleaned = self.cleaned_data
        is_consumer = cleaned["kind"] == BuyerKind.CONSUMER
        package = cleaned["package"]
        order = {
            "full_name": cleaned["full_name"],
            "email": cleaned["email"],
            "company": cleaned["company"],
            "kind": cleaned["kind"],
            "package": package.slug,
            "price": package.price_cents,
            "early": is_consumer and cleaned["wants_early_start"],
            "loss": is_consumer and cleaned["acknowledges_loss"],
            "submission": cleaned["submission"].hex,
            "at": at.timestamp(),
            "versions": [version.pk for version in versions],
        }
        return signing.dumps(order, salt=SALT)


def read_order(token: str) -> Declaration | None:
    """The declaration in a signed order, however old; None where it was altered or its package is gone."""
    try:
        order = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    package = DfyPackage.objects.filter(slug=order["package"]).first()
    if package is None:
        return None
    return Declaration(
        full_name=order["full_name"],
        email=order["email"],
        company=order["company"],
        kind=BuyerKind(order["kind"]),
        package=package,
        wants_early_start=order["early"],
        acknowledges_loss=order["loss"],
        submission=UUID(hex=order["submission"]),
        shown_at=datetime.fromtimestamp(order["at"], tz=UTC),
        shown_versions=order["versions"],
        shown_price_cents=order["price"],
    )


def filled_in(declaration: Declaration) -> dict[str, Any]:
    """The order form's initial values for a declaration that is to be changed."""
    return {
        "package": declaration.package.slug,
        "full_name": declaration.full_name,
        "email": declaration.email,
        "company": declaration.company,
        "kind": declaration.kind,
        "wants_early_start": declaration.wants_early_start,
        "acknowledges_loss": declaration.acknowledges_loss,
    }


class VerifyForm(forms.Form):
    reference = forms.CharField(
        label="Reference, or the code at the foot of the receipt",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Such as ACC-7K3Q-9XMP-2WHT-5RBD-K. Blanks and dashes do not matter.",
    )
    file = forms.FileField(
        label="Or the file",
        required=False,
        allow_empty_file=True,
        help_text="A receipt (PDF or JSON) or the PDF of one of our documents. It is compared and not kept.",
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > MAX_UPLOAD:
            raise ValidationError("This file is larger than any of ours (2 MB).")
        return file

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.cleaned_data.get("reference") and not self.cleaned_data.get("file"):
            raise ValidationError("Enter a reference or choose a file.")
        return self.cleaned_data
