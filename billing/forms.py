"""The forms of the back office's billing pages."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from billing.models import DunningPolicy, DunningStep, PaymentFailure, StepAction, StepStatus, StepTemplate
from billing.models.policy import new_version
from billing.steering import RESENDABLE
from levqor.accounts.models import Plan

MAX_STEPS = 6


class ReasonForm(forms.Form):
    """What every verb asks for: why. The words go to the audit trail."""

    reason = forms.CharField(
        label="Why?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail with your name.",
    )
    token = forms.UUIDField(widget=forms.HiddenInput)


class SteeringForm(ReasonForm):
    """The reason of a verb on one case; subclasses ask for what the verb needs besides."""

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case


class PauseForm(SteeringForm):
    until_date = forms.DateField(
        label="Pause until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From the morning of this day mails may go out again. Empty: until somebody resumes.",
    )
    field_order = ["until_date", "reason"]

    def until(self) -> datetime | None:
        """The beginning of the chosen day where the customer is; None for a pause without end."""
        day = self.cleaned_data["until_date"]
        return datetime.combine(day, time(), tzinfo=self.case.account.zone) if day else None


class StepChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django takes no parameter at run time
    def label_from_instance(self, step: Any) -> str:
        return f"Day {step.offset_days}: {step.get_template_display()} ({step.get_status_display().lower()})"


class StepForm(SteeringForm):
    step = StepChoice(DunningStep.objects.none(), empty_label=None)
    field_order = ["step", "reason"]
    statuses: set[StepStatus] = set()

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(case, *args, **kwargs)
        choice = self.fields["step"]
        assert isinstance(choice, StepChoice)  # noqa: S101  # declared so above
        choice.queryset = case.steps.filter(status__in=self.statuses).select_related("failure__account")


class SkipForm(StepForm):
    statuses = {StepStatus.PENDING}


class ResendForm(StepForm):
    statuses = RESENDABLE


class StepRowForm(forms.Form):
    """One row of a policy; a row without a day is left out."""

    day = forms.IntegerField(min_value=1, max_value=90, required=False)
    template = forms.ChoiceField(choices=StepTemplate.choices, required=False)
    action = forms.ChoiceField(choices=StepAction.choices, required=False)


StepRows = forms.formset_factory(StepRowForm, extra=0, min_num=MAX_STEPS, max_num=MAX_STEPS)


class PolicyForm(forms.Form):
    plan = forms.ModelChoiceField(
        Plan.objects.all(), required=False, empty_label="All plans without a policy of their own"
    )
    note = forms.CharField(max_length=300, label="What changes, and why?")

    def publish(self, rows: list[dict[str, Any]]) -> DunningPolicy | None:
        """The new version; None with the errors added to the form where the rows make no policy."""
        steps = [(row["day"], row["template"], row["action"]) for row in rows if row.get("day")]
        try:
            return new_version(plan=self.cleaned_data["plan"], steps=steps, note=self.cleaned_data["note"])
        except ValidationError as error:
            self.add_error(None, error)
            return None


def rows_of(policy: DunningPolicy) -> list[dict[str, Any]]:
    """The steps of a version as initial rows, with empty ones after them."""
    rows = [{"day": step.offset_days, "template": step.template, "action": step.action} for step in policy.steps.all()]
    return rows + [{} for _ in range(MAX_STEPS - len(rows))]
