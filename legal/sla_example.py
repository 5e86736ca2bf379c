"""The worked example of the service level agreement: each edge between two credits, from both sides, in whole minutes."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from levqor.accounts.models import SlaTerms
from levqor.lib.money import share_of

MINUTES = 30 * 24 * 60


@dataclass(frozen=True)
class ExampleRow:
    """A month of 30 days with so many minutes of downtime. `uptime` is in percent, rounded down."""

    downtime: int
    uptime: Decimal
    credit_percent: int

    def credit_cents(self, price_cents: int) -> int:
        """Of a plan with this price, in whole pence, half a penny up."""
        return share_of(price_cents, self.credit_percent)


def example_rows(terms: SlaTerms) -> list[ExampleRow]:
    floors = [band.floor_percent for band in terms.bands.all() if band.floor_percent]
    last_minutes = [int(MINUTES * (100 - edge) / 100) for edge in [terms.target_percent, *floors]]
    return [_row(terms, minutes) for last in sorted(last_minutes) for minutes in (last, last + 1)]


def _row(terms: SlaTerms, downtime: int) -> ExampleRow:
    exact = Decimal(100 * (MINUTES - downtime)) / MINUTES
    shown = exact.quantize(Decimal("0.001"), rounding=ROUND_DOWN)
    return ExampleRow(downtime, shown, terms.credit_percent(exact))
