"""Money as Stripe counts it: integers of the smallest unit, shown in the customer's currency."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from babel.numbers import format_currency

# https://docs.stripe.com/currencies#zero-decimal and #three-decimal. ISK and UGX have no minor unit, but Stripe keeps
# counting them in hundredths ("special cases" on the same page), so they are not listed here.
ZERO_DECIMAL: Final = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"],
)
THREE_DECIMAL: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])


def exponent(currency: str) -> int:
    """How many decimal places Stripe's integer amounts of this currency carry: 0, 2 or 3."""
    code = currency.upper()
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def to_decimal(amount: int, currency: str) -> Decimal:
    """The amount in whole units: 12345 gbp is 123.45, 500 jpy is 500."""
    return Decimal(amount).scaleb(-exponent(currency))


def share_of(amount: int, percent: int) -> int:
    """So many percent of the amount, in its smallest unit, half of one up."""
    return int((Decimal(amount) * percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_money(amount: int, currency: str, *, locale: str = "en_GB") -> str:
    """The amount as people write it: `£1,234.50`, `JP¥500`, `KWD 1.250`."""
    digits = exponent(currency)
    pattern = "¤#,##0" + ("." + "0" * digits if digits else "")
    shown = format_currency(
        to_decimal(amount, currency), currency.upper(), format=pattern, locale=locale, currency_digits=False
    )
    # A currency without a symbol of its own runs into its number (KWD1.250): set it apart as the locale would.
    code = currency.upper()
    return shown.replace(code, f"{code}\N{NO-BREAK SPACE}") if code in shown else shown


def format_price(amount: int, currency: str, *, locale: str = "en_GB") -> str:
    """A price as it is advertised, without empty pence: `£99`, `£1,250`, and `£99.50` where there are some."""
    shown = format_money(amount, currency, locale=locale)
    digits = exponent(currency)
    return shown.removesuffix("." + "0" * digits) if digits else shown


def format_totals(amounts: dict[str, int], *, locale: str = "en_GB") -> str:
    """Several currencies in one phrase: `£30.00 and €12.00`."""
    return " and ".join(format_money(amount, currency, locale=locale) for currency, amount in sorted(amounts.items()))
