"""Texts that staff send often, with names that are filled in for the case at hand."""

from string import Formatter
from typing import Final

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from levqor.cases.models.case import Case
from levqor.cases.models.deadline import Deadline
from levqor.guard.references import Series

VARIABLES: Final = {
    "name": "the customer’s name",
    "reference": "the reference",
    "account": "the account, as we or they call it",
    "due": "the day by which they hear from us",
    "tracking_url": "the customer’s own link",
}


def validate_variables(body: str) -> None:
    """Refuses a text whose names nobody could fill in."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(body) if name is not None]
    except ValueError as error:
        raise ValidationError("A brace { or } stands alone; write it twice to mean the sign itself.") from error
    unknown = sorted({name for name in names if name not in VARIABLES})
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in VARIABLES)
        raise ValidationError(f"Nobody knows {', '.join(f'{{{name}}}' for name in unknown)}. There are: {known}.")


class CannedReplyQuerySet(models.QuerySet["CannedReply"]):
    def fitting(self, case: Case) -> "CannedReplyQuerySet":
        return self.filter(Q(series="") | Q(series=case.series), is_active=True).order_by("title")


class CannedReply(models.Model):
    """One text, offered wherever staff write to a customer."""

    title = models.CharField(max_length=120, unique=True)
    series = models.CharField("for", max_length=3, choices=Series, blank=True, help_text="Empty: for every case.")
    body = models.TextField(
        "text",
        validators=[validate_variables],
        help_text="Filled in: " + ", ".join(f"{{{name}}} {words}" for name, words in VARIABLES.items()) + ".",
    )
    is_active = models.BooleanField("in use", default=True)
    use_count = models.PositiveIntegerField("used", default=0, editable=False)

    objects = CannedReplyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "canned replies"
        constraints = [
            models.CheckConstraint(condition=Q(series__in=["", *Series.values]), name="canned_reply_series_known")
        ]

    def __str__(self) -> str:
        return self.title

    def fill(self, case: Case, *, tracking_url: str) -> str:
        """The text for this case."""
        deadline = Deadline.objects.current_of(case)
        return self.body.format(
            name=case.full_name or "there",
            reference=case.reference,
            account=case.account or case.account_name,
            due=f"{deadline.due_date:%A %-d %B %Y}" if deadline else "the day that we named",
            tracking_url=tracking_url,
        )
