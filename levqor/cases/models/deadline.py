"""Promises to answer: the days that a customer was told, and the moment until which they hold."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import models, transaction
from django.db.models import F, Q

from levqor.cases.models.case import Case
from levqor.lib.business_time import (
    CALENDAR_VERSION,
    add_business_seconds,
    arrival_day,
    business_days_after,
    business_seconds,
    closing,
    next_open,
    opening,
)

# So many business days we wait for an answer of the customer's before we go on with what we have, and remind them once.
ANSWER_DAYS: Final = 10
REMIND_DAYS: Final = 5


def answer_date(asked_at: datetime) -> date:
    """The last day on which an answer to what was asked then is waited for."""
    return business_days_after(arrival_day(asked_at), ANSWER_DAYS)


class DeadlineQuerySet(models.QuerySet["Deadline"]):
    def running(self) -> "DeadlineQuerySet":
        """Those whose clock moves now."""
        return self.filter(ended_at__isnull=True, waiting_since__isnull=True)

    def current_of(self, case: Case) -> "Deadline | None":
        return self.filter(case=case, ended_at__isnull=True).first()


class Deadline(models.Model):
    """One promise: an answer between two business days. While we wait for the customer, its clock stands."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="deadlines")
    purpose = models.CharField(max_length=24)
    counted_from = models.DateTimeField()
    earliest_date = models.DateField()
    latest_date = models.DateField()
    due_at = models.DateTimeField(
        help_text="Closing time of the latest day, and the business time of all pauses on top."
    )
    calendar_version = models.CharField(max_length=40, help_text="The table of bank holidays that it was counted by.")
    waiting_since = models.DateTimeField(
        null=True, blank=True, help_text="The clock stands: the customer has to answer."
    )
    warned_percent = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(ended_at__isnull=True), name="deadline_one_at_a_time"),
            models.CheckConstraint(condition=Q(latest_date__gte=F("earliest_date")), name="deadline_days_in_order"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(waiting_since__isnull=True), name="deadline_ended_waits_no_more"
            ),
        ]
        indexes = [
            # What falls due next.
            models.Index(fields=["due_at"], condition=Q(ended_at__isnull=True), name="deadline_next"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of case {self.case_id} by {self.latest_date}"

    @property
    def is_kept(self) -> bool | None:
        """Whether it ended in time; None while it runs."""
        return None if self.ended_at is None else self.ended_at <= self.due_at

    @property
    def due_date(self) -> date:
        """The day on which the customer hears from us at the latest, pauses included."""
        return arrival_day(self.due_at)

    @property
    def answer_date(self) -> date | None:
        """Until when we wait for the customer; None while we do not."""
        return answer_date(self.waiting_since) if self.waiting_since else None

    @property
    def remind_at(self) -> datetime | None:
        """When a customer who has not answered is reminded."""
        if self.waiting_since is None:
            return None
        return opening(business_days_after(arrival_day(self.waiting_since), REMIND_DAYS))

    def share_passed(self, *, at: datetime) -> float:
        """How much of its business time has passed, without pauses: 0 at the beginning, 1 when it is due."""
        start = next_open(max(self.counted_from, opening(arrival_day(self.counted_from))))
        paused = sum(pause.seconds for pause in self.pauses.all())
        whole = business_seconds(start, self.due_at) - paused
        passed = business_seconds(start, min(self.waiting_since or at, at)) - paused
        return passed / whole if whole > 0 else 1.0

    def is_overdue(self, *, at: datetime) -> bool:
        return self.ended_at is None and self.waiting_since is None and at > self.due_at

    def pause(self, *, at: datetime) -> bool:
        """Stops the clock; False where it stands already or has ended."""
        return bool(Deadline.objects.running().filter(pk=self.pk).update(waiting_since=at))

    def resume(self, *, at: datetime) -> bool:
        """Lets the clock go on, due later by the business time that it stood; False where it did not stand."""
        with transaction.atomic():
            stored = Deadline.objects.select_for_update().get(pk=self.pk)
            if stored.waiting_since is None:
                return False
            stood = business_seconds(stored.waiting_since, at)
            Pause.objects.create(deadline=stored, began_at=stored.waiting_since, ended_at=at, seconds=stood)
            due_at = add_business_seconds(stored.due_at, stood)
            Deadline.objects.filter(pk=self.pk).update(waiting_since=None, due_at=due_at)
        self.waiting_since, self.due_at = None, due_at
        return True

    def end(self, *, at: datetime) -> None:
        """The answer is given, or nobody waits for one any more."""
        self.resume(at=at)
        Deadline.objects.filter(pk=self.pk, ended_at__isnull=True).update(ended_at=at)


class Pause(models.Model):
    """A time in which we waited for the customer."""

    deadline = models.ForeignKey(Deadline, on_delete=models.CASCADE, related_name="pauses")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    seconds = models.FloatField(help_text="Business time between the two.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ended_at__gte=F("began_at")), name="pause_ends_after_it_began")
        ]

    def __str__(self) -> str:
        return f"{timedelta(seconds=self.seconds)} of deadline {self.deadline_id}"


def close_case(case: Case, *, at: datetime) -> None:
    """Nobody waits for an answer any more: the promise ends, and the case leaves the queue."""
    if deadline := Deadline.objects.current_of(case):
        deadline.end(at=at)
    Case.objects.filter(pk=case.pk, closed_at__isnull=True).update(closed_at=at)


def reopen_case(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(closed_at=None)


def promise(case: Case, purpose: str, *, earliest_days: int, latest_days: int, at: datetime) -> Deadline:
    """Promises an answer between so many business days from `at`, in place of the promise before it."""
    day = arrival_day(at)
    latest = business_days_after(day, latest_days)
    with transaction.atomic():
        if before := Deadline.objects.current_of(case):
            before.end(at=at)
        return Deadline.objects.create(
            case=case,
            purpose=purpose,
            counted_from=at,
            earliest_date=business_days_after(day, earliest_days),
            latest_date=latest,
            due_at=closing(latest),
            calendar_version=CALENDAR_VERSION,
        )
