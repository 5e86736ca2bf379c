"""Attempts to collect an invoice, and what may follow: failures, 3DS, payments, disputes, refunds."""

from dataclasses import replace
from types import EllipsisType
from typing import Any

from testing.fake_stripe_accounts import DAY
from testing.fake_stripe_invoices import StripeInvoices
from testing.fake_stripe_store import RefusedError
from testing.stripe_facts import (
    BASIL,
    ChargeFacts,
    DisputeFacts,
    InvoiceFacts,
    InvoicePaymentFacts,
    Json,
    PaymentIntentFacts,
    PaymentMethodFacts,
    since,
)

RETRY_DAYS = (3, 5, 7)
AUTHENTICATION = "authentication_required"


class StripePayments(StripeInvoices):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Decline code by payment method id, "*" for all: what POST /v1/invoices/{id}/pay shall meet.
        self.declines: dict[str, str] = {}

    # Failures

    def fail_invoice(
        self,
        invoice_id: str | None = None,
        *,
        decline_code: str = "insufficient_funds",
        next_attempt: int | EllipsisType | None = ...,
        automatic: bool = True,
        **new_invoice: Any,
    ) -> str:
        """A failed attempt on this invoice, or on a new one made from `new_invoice` (see `add_invoice`).

        `next_attempt` is a time, None for "no further automatic try", and by default 3, 5 and 7 days on, then None.
        Of manual attempts (`automatic=False`) only a first one counts.
        """
        with self.lock:
            invoice = self.collectable(invoice_id or self.add_invoice(**new_invoice))
            invoice = self._charge_in_vain(invoice, decline_code)
            invoice = self._count_attempt(invoice, next_attempt, automatic)
            if decline_code == AUTHENTICATION:
                self.emit("invoice.payment_action_required", invoice)
            self.emit("invoice.payment_failed", invoice)
            self._mark_past_due(invoice)
            return invoice.id

    def require_action(self, invoice_id: str | None = None, **options: Any) -> str:
        """An attempt that needs the customer (3DS). Options as in `fail_invoice`."""
        return self.fail_invoice(invoice_id, decline_code=AUTHENTICATION, **options)

    def _charge_in_vain(self, invoice: InvoiceFacts, decline_code: str) -> InvoiceFacts:
        charge = self._charge(invoice, invoice.amount_remaining, status="failed", decline_code=decline_code)
        needs_action = decline_code == AUTHENTICATION
        intent = self.set(
            self.get(PaymentIntentFacts, str(invoice.payment_intent)),
            status="requires_action" if needs_action else "requires_payment_method",
            decline_code=decline_code,
            latest_charge=charge.id,
        )
        self.emit("charge.failed", charge)
        self.emit("payment_intent.requires_action" if needs_action else "payment_intent.payment_failed", intent)
        return replace(invoice, charge=charge.id)

    def _count_attempt(
        self, invoice: InvoiceFacts, next_attempt: int | EllipsisType | None, automatic: bool
    ) -> InvoiceFacts:
        count = invoice.attempt_count + 1 if automatic else max(invoice.attempt_count, 1)
        if isinstance(next_attempt, EllipsisType):
            next_attempt = self._next_attempt(count) if automatic else invoice.next_payment_attempt
        stored = self.invoice(invoice.id)
        return self.update(stored, charge=invoice.charge, attempt_count=count, next_payment_attempt=next_attempt)

    def _next_attempt(self, count: int) -> int | None:
        return self.now + RETRY_DAYS[count - 1] * DAY if count <= len(RETRY_DAYS) else None

    def _mark_past_due(self, invoice: InvoiceFacts) -> None:
        """A first invoice leaves its subscription incomplete; a renewal makes it past due."""
        if invoice.subscription and invoice.billing_reason != "subscription_create":
            plan = self.subscription(invoice.subscription)
            if plan.status in {"active", "trialing"}:
                self.update(plan, status="past_due")

    # Payments

    def pay_invoice(
        self,
        invoice_id: str,
        *,
        amount: int | None = None,
        out_of_band: bool = False,
        payment_method: str | None = None,
        automatic: bool = False,
    ) -> None:
        """Pay what remains, or `amount`: less leaves the invoice open, more is counted as overpaid.

        An `automatic` payment is Stripe's own retry: it alone counts up the attempts after the first.
        """
        with self.lock:
            invoice = self.collectable(invoice_id)
            if automatic:
                invoice = self.set(invoice, attempt_count=invoice.attempt_count + 1)
            remaining = invoice.amount_remaining
            amount = remaining if amount is None else amount
            if amount and not out_of_band:
                invoice = self._take_money(invoice, amount, payment_method, full=amount >= remaining)
            if amount < remaining:
                self._update_paid(invoice, amount_paid=invoice.amount_paid + amount)
                return
            self._settle(invoice, over=amount - remaining, out_of_band=out_of_band)

    def _settle(self, invoice: InvoiceFacts, *, over: int, out_of_band: bool) -> None:
        paid = self._update_paid(
            invoice,
            status="paid",
            paid_at=self.now,
            next_payment_attempt=None,
            amount_paid=invoice.amount_due,
            amount_overpaid=over,
            paid_out_of_band=out_of_band,
        )
        self.emit("invoice.paid", paid)
        if not out_of_band:
            self.emit("invoice.payment_succeeded", paid)
        if over:
            self.emit("invoice.overpaid", paid)
        self._revive(paid)

    def _update_paid(self, invoice: InvoiceFacts, **changes: Any) -> InvoiceFacts:
        count = invoice.attempt_count if changes.get("paid_out_of_band") else max(invoice.attempt_count, 1)
        return self.update(self.invoice(invoice.id), charge=invoice.charge, attempt_count=count, **changes)

    def _take_money(self, invoice: InvoiceFacts, amount: int, method: str | None, *, full: bool) -> InvoiceFacts:
        """A part payment gets an intent of its own; the invoice's own intent waits for the rest."""
        intent_id = str(invoice.payment_intent) if full else self.new_id("pi")
        charge = self._charge(invoice, amount, payment_intent=intent_id, payment_method=method)
        shared: Json = {"currency": invoice.currency, "invoice": invoice.id}
        shared["created"] = invoice.created if full else self.now
        intent = self.create(
            PaymentIntentFacts,
            "pi",
            **shared,
            id=intent_id,
            amount=amount,
            customer=invoice.customer,
            payment_method=method,
            latest_charge=charge.id,
            status="succeeded",
        )
        self.emit("charge.succeeded", charge)
        self.emit("payment_intent.succeeded", intent)
        payment = self.create(
            InvoicePaymentFacts,
            "inpay",
            **shared,
            id=self.payments(invoice.id)[-1].id if full else self.new_id("inpay"),
            amount_requested=amount,
            amount_paid=amount,
            payment_intent=intent_id,
            status="paid",
            paid_at=self.now,
        )
        if since(self.api_version, BASIL):
            self.emit("invoice_payment.paid", payment)
        return replace(invoice, charge=charge.id)

    def payments(self, invoice_id: str) -> list[InvoicePaymentFacts]:
        """The invoice's payments, newest first; the last is the one made with the invoice."""
        return [payment for payment in self.rows(InvoicePaymentFacts) if payment.invoice == invoice_id]

    def _charge(self, invoice: InvoiceFacts, amount: int, **facts: Any) -> ChargeFacts:
        known = {
            "payment_intent": invoice.payment_intent,
            "currency": invoice.currency,
            "customer": invoice.customer,
            "invoice": invoice.id,
        }
        return self.create(ChargeFacts, "ch", amount=amount, **(known | facts))

    def _revive(self, invoice: InvoiceFacts) -> None:
        """Only the latest invoice decides whether the subscription is in order again."""
        if invoice.subscription:
            plan = self.subscription(invoice.subscription)
            if plan.latest_invoice == invoice.id and plan.status in {"past_due", "unpaid", "incomplete"}:
                self.update(plan, status="active")

    def attempt_payment(self, invoice_id: str, method: str | None = None) -> None:
        """What the pay endpoint does: charge the named method or the one Stripe would choose, and meet `declines`."""
        with self.lock:
            invoice = self.collectable(invoice_id)
            method = method or self._method_in_order(invoice)
            known = self.objects.get(method) if method else None
            if method and not (isinstance(known, PaymentMethodFacts) and known.customer == invoice.customer):
                message = f"No such PaymentMethod: '{method}'"
                raise RefusedError(400, message, code="resource_missing", param="payment_method")
            code = self.declines.get(method or "*") or self.declines.get("*")
            if code is None:
                self.pay_invoice(invoice_id, payment_method=method)
                return
            self.fail_invoice(invoice_id, decline_code=code, automatic=False)
            raise _declined(code)

    def _method_in_order(self, invoice: InvoiceFacts) -> str | None:
        plan = self.subscription(invoice.subscription) if invoice.subscription else None
        of_plan = plan.default_payment_method if plan else None
        return invoice.default_payment_method or of_plan or self.customer(invoice.customer).default_payment_method

    # Afterwards

    def dispute_invoice(self, invoice_id: str, *, amount: int | None = None, reason: str = "fraudulent") -> str:
        with self.lock:
            charge = self.get(ChargeFacts, str(self.invoice(invoice_id).charge))
            dispute = self.create(
                DisputeFacts,
                "dp",
                charge=charge.id,
                payment_intent=charge.payment_intent,
                amount=charge.amount if amount is None else amount,
                currency=charge.currency,
                reason=reason,
                due_by=self.now + 14 * DAY,
            )
            self.set(charge, disputed=True)
            self.emit("charge.dispute.created", dispute)
            return dispute.id

    def close_dispute(self, dispute_id: str, *, status: str = "lost") -> None:
        with self.lock:
            self.emit("charge.dispute.closed", self.set(self.get(DisputeFacts, dispute_id), status=status))

    def update_dispute(self, dispute_id: str, *, status: str) -> None:
        with self.lock:
            self.emit("charge.dispute.updated", self.set(self.get(DisputeFacts, dispute_id), status=status))

    def withdraw_funds(self, dispute_id: str) -> None:
        """The bank takes the disputed amount."""
        with self.lock:
            dispute = self.get(DisputeFacts, dispute_id)
            booked = (*dispute.booked, -dispute.amount)
            self.emit("charge.dispute.funds_withdrawn", self.set(dispute, booked=booked))

    def reinstate_funds(self, dispute_id: str) -> None:
        """The bank gives the disputed amount back."""
        with self.lock:
            dispute = self.get(DisputeFacts, dispute_id)
            booked = (*dispute.booked, dispute.amount)
            self.emit("charge.dispute.funds_reinstated", self.set(dispute, booked=booked))

    def refund_invoice(self, invoice_id: str, amount: int | None = None) -> None:
        with self.lock:
            charge = self.get(ChargeFacts, str(self.invoice(invoice_id).charge))
            refunded = charge.amount if amount is None else charge.amount_refunded + amount
            self.emit("charge.refunded", self.set(charge, amount_refunded=refunded))


def _declined(code: str) -> RefusedError:
    if code == AUTHENTICATION:
        message = "This payment requires additional user action before it can be completed successfully."
        return RefusedError(402, message, kind="card_error", code="invoice_payment_intent_requires_action")
    return RefusedError(402, "Your card was declined.", kind="card_error", code="card_declined", decline_code=code)
