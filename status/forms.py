"""The forms of subscribers; those of the back office are in admin_forms.py."""

from django import forms

from levqor.lib.forms import AddressField
from status.models import Component


class ChoiceForm(forms.Form):
    """What a subscriber wants to hear of."""

    components = forms.ModelMultipleChoiceField(
        Component.objects.all(),
        label="Only about",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Choose none to hear about everything, planned maintenance included.",
    )


class SubscribeForm(ChoiceForm):
    email = AddressField(help_text="We send you one mail to confirm it. Nothing else comes before you have.")
    field_order = ["email", "components"]


class EndpointForm(forms.Form):
    url = forms.URLField(
        label="Address to call",
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://…"}),
        help_text="We POST every update there as JSON, signed by Standard Webhooks.",
    )
