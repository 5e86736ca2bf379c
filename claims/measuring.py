"""What a month is worth: measured downtime, the band that it falls in, and the credit as a sum a person can follow."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Final, Self

from levqor.accounts.models import Plan, SlaTerms
from levqor.lib.money import share_of
from status.component_states import WEIGHTS, ComponentState
from status.ledger import Downtime, downtime
from status.models import Component

# Of each second of a partial outage; a major one counts in full.
PARTIAL_WEIGHT: Final = Decimal(str(WEIGHTS[ComponentState.PARTIAL]))


@dataclass(frozen=True)
class Measurement:
    """The inputs and the outcome for one month and plan. Times are in whole seconds, money in pence.

    `uptime` is the exact share in percent, or None where nothing was measured. `is_final` is false until the month ended.
    """

    month: date
    plan: str
    price_cents: int
    currency: str
    terms_version: int
    measured_seconds: int
    major_seconds: int
    partial_seconds: int
    excluded_seconds: int
    unmeasured_seconds: int
    uptime: Decimal | None
    target_percent: Decimal
    credit_percent: int
    credit_cents: int
    is_final: bool

    @property
    def downtime_seconds(self) -> Decimal:
        """A major outage counts in full, a partial one three tenths."""
        return self.major_seconds + PARTIAL_WEIGHT * self.partial_seconds

    @property
    def downtime_minutes(self) -> Decimal:
        return (self.downtime_seconds / 60).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)

    @property
    def is_thin(self) -> bool:
        """More of the time has no data than has any: whatever follows from it deserves a second look."""
        return self.unmeasured_seconds > self.measured_seconds

    @property
    def uptime_in_words(self) -> str:
        """`99.874%`, rounded down, so that it never looks better than it was."""
        if self.uptime is None:
            return "no data"
        return f"{self.uptime.quantize(Decimal('0.001'), rounding=ROUND_DOWN)}%"

    @property
    def is_below_target(self) -> bool:
        return self.uptime is not None and self.uptime < self.target_percent

    def as_json(self) -> dict[str, Any]:
        """To be kept with a decision: everything from which it can be computed again."""
        return {
            name: str(value) if isinstance(value, Decimal | date) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """What `as_json` kept; whatever else stands beside it is left alone."""
        known = {field.name: kept[field.name] for field in fields(cls)}
        uptime = Decimal(known["uptime"]) if known["uptime"] is not None else None
        read = {"month": date.fromisoformat(known["month"]), "target_percent": Decimal(known["target_percent"])}
        return cls(**known | read | {"uptime": uptime})

    def recomputed(self, terms: SlaTerms) -> Self:
        """The outcome once more, from the inputs alone and by these terms."""
        uptime = uptime_of(self.measured_seconds, self.major_seconds, self.partial_seconds)
        percent = terms.credit_percent(uptime) if uptime is not None else 0
        return replace(
            self,
            terms_version=terms.version,
            uptime=uptime,
            target_percent=terms.target_percent,
            credit_percent=percent,
            credit_cents=share_of(self.price_cents, percent),
        )


def terms_of(month: date) -> SlaTerms | None:
    """The SLA terms of the month; None before there were any."""
    try:
        return SlaTerms.objects.valid_on(month)
    except SlaTerms.DoesNotExist:
        return None


def lost_in(month: date, *, at: datetime) -> Downtime:
    """What the ledger says of the month by `at`, over all parts of the service."""
    return downtime(list(Component.objects.all()), month, at=at)


def measure(lost: Downtime, plan: Plan, terms: SlaTerms) -> Measurement:
    """What the month earns on the plan."""
    totals = lost.totals
    # The stretches reach from the month's beginning to its end, or to the moment at which it was looked at.
    whole = round(sum(piece.seconds for piece in lost.segments))
    measured, excluded = round(totals.measured), round(totals.maintenance)
    inputs = Measurement(
        month=lost.month,
        plan=plan.slug,
        price_cents=plan.price_cents,
        currency=plan.currency,
        terms_version=terms.version,
        measured_seconds=measured,
        major_seconds=round(totals.major),
        partial_seconds=round(totals.partial),
        excluded_seconds=excluded,
        unmeasured_seconds=max(0, whole - measured - excluded),
        uptime=None,
        target_percent=terms.target_percent,
        credit_percent=0,
        credit_cents=0,
        is_final=lost.is_final,
    )
    return inputs.recomputed(terms)


def uptime_of(measured: int, major: int, partial: int) -> Decimal | None:
    """The share of the measured seconds in percent; None where nothing was measured."""
    return 100 - 100 * (major + PARTIAL_WEIGHT * partial) / measured if measured else None
