"""What is done about a failed payment, and when: versioned, per plan with a default; a running case keeps its version."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from levqor.accounts.models import Plan

SPACING = timedelta(hours=48)
DEFAULT_STEPS = [(1, "first_notice", "remind"), (7, "second_notice", "remind"), (14, "final_notice", "suspend")]


# Stripe's `billing_reason` → the field that says whether such an invoice is dunned. What is not listed is a renewal.
# https://docs.stripe.com/api/invoices/object (endive)
COVERED_BY = {
    "subscription_update": "covers_changes",
    "subscription_threshold": "covers_thresholds",
    "manual": "covers_single_invoices",
    "quote_accept": "covers_single_invoices",
    "automatic_pending_invoice_item_invoice": "covers_single_invoices",
}


class StepTemplate(models.TextChoices):
    FIRST_NOTICE = "first_notice", "First notice"
    SECOND_NOTICE = "second_notice", "Second notice"
    FINAL_NOTICE = "final_notice", "Final notice"


class StepAction(models.TextChoices):
    REMIND = "remind", "Remind"
    SUSPEND = "suspend", "Remind and suspend"


class DunningPolicyQuerySet(models.QuerySet["DunningPolicy"]):
    def current_for(self, plan: Plan | None) -> "DunningPolicy":
        """The newest version for the plan, else the newest default one."""
        published = self.filter(Q(plan=plan) | Q(plan=None)) if plan else self.filter(plan=None)
        newest = published.order_by(models.F("plan").asc(nulls_last=True), "-version").first()
        return newest or ensure_default_policy()


class DunningPolicy(models.Model):
    """One version of the steps for one plan (or for all plans without their own). A version is never edited."""

    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, help_text="Empty: the default.")
    version = models.PositiveIntegerField()
    note = models.CharField(max_length=300, blank=True, help_text="What changed, and why.")
    covers_changes = models.BooleanField("invoices for a change of plan within a period", default=True)
    covers_thresholds = models.BooleanField("invoices for usage that reached a threshold", default=True)
    covers_single_invoices = models.BooleanField("invoices outside a renewal: by hand, from a quote", default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = DunningPolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dunning policies"
        constraints = [
            models.UniqueConstraint(fields=["plan", "version"], name="policy_version_once"),
            models.UniqueConstraint(fields=["version"], condition=Q(plan=None), name="policy_default_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.plan or 'Default'} v{self.version}"

    def covers(self, billing_reason: str) -> bool:
        """Whether an invoice that Stripe made for this reason is dunned; a renewal always is."""
        field = COVERED_BY.get(billing_reason)
        return field is None or bool(getattr(self, field))

    def left_out(self) -> list[str]:
        """The kinds of invoices that this version does not dun, in words."""
        kinds = [field for field in self._meta.fields if field.name in COVERED_BY.values()]
        return [str(field.verbose_name) for field in kinds if not getattr(self, field.name)]

    def ordered_steps(self) -> list["DunningPolicyStep"]:
        return list(self.steps.order_by("offset_days"))


class DunningPolicyStep(models.Model):
    """One step: so many days after the first failure this mail goes out, and the account may be suspended."""

    policy = models.ForeignKey(DunningPolicy, on_delete=models.CASCADE, related_name="steps")
    offset_days = models.PositiveSmallIntegerField()
    template = models.CharField(max_length=32, choices=StepTemplate)
    action = models.CharField(max_length=16, choices=StepAction, default=StepAction.REMIND)

    class Meta:
        ordering = ["offset_days"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "offset_days"], name="policy_step_day_once"),
            models.CheckConstraint(condition=Q(offset_days__gte=1, offset_days__lte=90), name="policy_step_day_range"),
        ]

    def __str__(self) -> str:
        return f"day {self.offset_days}: {self.get_template_display()}"


def check_steps(steps: list[tuple[int, str, str]]) -> None:
    """Raises ValidationError unless the (day, template, action) rows make a policy that warns before it suspends."""
    if not steps:
        raise ValidationError("A policy needs at least one step.")
    days = [day for day, _, _ in steps]
    if any(later - earlier < SPACING.days for earlier, later in pairwise(days)):
        raise ValidationError("Steps are in order of their days and at least two days apart.")
    if any(action == StepAction.SUSPEND for _, _, action in steps[:-1]):
        raise ValidationError("Only the last step may suspend.")


def new_version(
    *, plan: Plan | None, steps: list[tuple[int, str, str]], note: str, covers: dict[str, bool] | None = None
) -> DunningPolicy:
    """Publishes the next version; running cases keep theirs. Raises ValidationError for steps that make no policy.

    `covers` names fields of COVERED_BY; a kind of invoice that is not named is dunned.
    """
    check_steps(steps)
    with transaction.atomic():
        last = DunningPolicy.objects.filter(plan=plan).order_by("-version").first()
        policy = DunningPolicy.objects.create(
            plan=plan, version=last.version + 1 if last else 1, note=note, **(covers or {})
        )
        DunningPolicyStep.objects.bulk_create(
            DunningPolicyStep(policy=policy, offset_days=day, template=template, action=action)
            for day, template, action in steps
        )
    return policy


def ensure_default_policy(**kwargs: Any) -> DunningPolicy:
    """The default policy, made where a database has none; connected to post_migrate."""
    existing = DunningPolicy.objects.filter(plan=None).order_by("-version").first()
    return existing or new_version(plan=None, steps=list(DEFAULT_STEPS), note="The policy Levqor starts with.")
