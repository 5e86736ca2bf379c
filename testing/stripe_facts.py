"""What the fake knows about each Stripe object, apart from how an API version spells it.

Facts are frozen: a change is a new value (`dataclasses.replace`), so an event keeps what was true when it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

type Json = dict[str, Any]

V2020 = "2020-08-27"
V2024 = "2024-06-20"
ACACIA = "2025-02-24.acacia"
BASIL = "2025-03-31.basil"
CLOVER = "2025-09-30.clover"
DAHLIA = "2026-03-25.dahlia"
ENDIVE = "2026-10-28.endive"
API_VERSIONS = (V2020, V2024, ACACIA, BASIL, CLOVER, DAHLIA, ENDIVE)
# Not a shape of its own here: the day `charges` left the payment intent.
LATEST_CHARGE = "2022-11-15"


def since(version: str, change: str) -> bool:
    """Whether `version` includes a breaking change. Versions start with their date, so text order is enough."""
    return version[:10] >= change[:10]


@dataclass(frozen=True, kw_only=True)
class Facts:
    id: str
    created: int = 0
    livemode: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CustomerFacts(Facts):
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: Mapping[str, str | None] | None = None
    balance: int = 0
    currency: str | None = "gbp"
    delinquent: bool = False
    default_payment_method: str | None = None
    default_source: str | None = None
    preferred_locales: tuple[str, ...] = ()
    test_clock: str | None = None
    deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentMethodFacts(Facts):
    customer: str | None = None
    brand: str = "visa"
    last4: str = "4242"
    country: str = "GB"


@dataclass(frozen=True, kw_only=True)
class SubscriptionFacts(Facts):
    customer: str
    item: str = "si_1"
    status: str = "active"
    currency: str = "gbp"
    price: str = "price_growth"
    product: str = "prod_growth"
    nickname: str | None = "Growth"
    unit_amount: int = 2900
    interval: str = "month"
    quantity: int = 1
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    default_payment_method: str | None = None
    latest_invoice: str | None = None
    period_start: int = 0
    period_end: int = 0
    trial_end: int | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    cancel_reason: str | None = None
    pause_collection: Mapping[str, Any] | None = None
    paused_type: str | None = None
    paused_at: int | None = None
    test_clock: str | None = None


@dataclass(frozen=True, kw_only=True)
class InvoiceFacts(Facts):
    """`subscription` is None for a one-off invoice. Amounts are minor units of `currency`."""

    customer: str
    total: int
    subscription: str | None = None
    subscription_metadata: Mapping[str, str] = field(default_factory=dict)
    item: str = "si_1"
    currency: str = "gbp"
    status: str = "open"
    pre_payment_credit: int = 0
    post_payment_credit: int = 0
    amount_paid: int = 0
    amount_overpaid: int = 0
    paid_out_of_band: bool = False
    attempt_count: int = 0
    next_payment_attempt: int | None = None
    auto_advance: bool = True
    collection_method: str = "charge_automatically"
    billing_reason: str = "subscription_cycle"
    number: str | None = None
    customer_email: str | None = None
    customer_name: str | None = None
    customer_address: Mapping[str, str | None] | None = None
    hosted_invoice_url: str | None = None
    price: str = "price_growth"
    product: str = "prod_growth"
    nickname: str | None = "Growth"
    description: str = "1 × Growth (at £29.00 / month)"
    period_start: int = 0
    period_end: int = 0
    due_date: int | None = None
    charge: str | None = None
    payment_intent: str | None = None
    default_payment_method: str | None = None
    finalized_at: int | None = None
    paid_at: int | None = None
    voided_at: int | None = None
    marked_uncollectible_at: int | None = None
    uncollectible_reason: str | None = None
    test_clock: str | None = None

    @property
    def amount_due(self) -> int:
        return max(self.total - self.pre_payment_credit, 0)

    @property
    def amount_remaining(self) -> int:
        return 0 if self.status == "paid" else max(self.amount_due - self.amount_paid, 0)


@dataclass(frozen=True, kw_only=True)
class ChargeFacts(Facts):
    amount: int
    currency: str = "gbp"
    customer: str | None = None
    invoice: str | None = None
    payment_intent: str | None = None
    payment_method: str | None = None
    status: str = "succeeded"
    decline_code: str | None = None
    amount_refunded: int = 0
    disputed: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentIntentFacts(Facts):
    amount: int
    currency: str = "gbp"
    customer: str | None = None
    invoice: str | None = None
    payment_method: str | None = None
    latest_charge: str | None = None
    status: str = "requires_payment_method"
    decline_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class InvoicePaymentFacts(Facts):
    invoice: str
    amount_requested: int
    amount_paid: int | None = None
    currency: str = "gbp"
    payment_intent: str | None = None
    status: str = "open"
    paid_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class DisputeFacts(Facts):
    charge: str
    amount: int
    currency: str = "gbp"
    payment_intent: str | None = None
    reason: str = "fraudulent"
    status: str = "needs_response"
    due_by: int | None = None
    # What was booked so far, in order: negative where funds were withdrawn, positive where they were given back.
    booked: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreditNoteFacts(Facts):
    invoice: str
    customer: str
    amount: int
    currency: str = "gbp"
    pre_payment_amount: int = 0
    post_payment_amount: int = 0
    out_of_band_amount: int | None = None
    reason: str | None = None
    number: str | None = None
    status: str = "issued"


@dataclass(frozen=True, kw_only=True)
class BalanceTransactionFacts(Facts):
    """A customer balance transaction: negative amounts are credit for the customer."""

    customer: str
    amount: int
    currency: str = "gbp"
    ending_balance: int = 0
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class PortalSessionFacts(Facts):
    customer: str
    url: str
    return_url: str | None = None
    flow: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class EventFacts(Facts):
    """`body` is the object as rendered when the event happened: events never change shape later."""

    type: str
    api_version: str | None
    body: Json
    previous_attributes: Json | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    pending_webhooks: int = 1
    delivered: bool = False
