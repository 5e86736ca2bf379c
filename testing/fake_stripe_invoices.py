"""What happens to invoices: each verb changes the store and emits the events that Stripe would, in its usual order."""

from dataclasses import replace
from typing import Any

from testing.fake_stripe_accounts import StripeAccounts
from testing.fake_stripe_store import RefusedError
from testing.stripe_facts import (
    CreditNoteFacts,
    InvoiceFacts,
    InvoicePaymentFacts,
    PaymentIntentFacts,
    SubscriptionFacts,
)


class StripeInvoices(StripeAccounts):
    def add_invoice(
        self, *, customer: str | None = None, subscription: str | None = None, amount: int | None = None, **facts: Any
    ) -> str:
        """A finalised open invoice. With a customer alone it is a one-off; with neither, both are made up first."""
        with self.lock:
            if customer is None and subscription is None:
                subscription = self.add_subscription(self.add_customer(email="payer@example.com", name="Payer Ltd"))
            plan = self.subscription(subscription) if subscription else None
            owner = plan.customer if plan else customer
            total = amount if amount is not None else plan.unit_amount * plan.quantity if plan else 2900
            invoice = self._new_invoice(str(owner), plan, total, facts)
            self._open_payment(invoice)
            self.emit("invoice.created", replace(invoice, status="draft", finalized_at=None))
            self.emit("invoice.finalized", invoice)
            if plan:
                self.update(plan, latest_invoice=invoice.id)
            return invoice.id

    def _new_invoice(
        self, owner: str, plan: SubscriptionFacts | None, total: int, facts: dict[str, Any]
    ) -> InvoiceFacts:
        invoice_id = facts.get("id") or self.new_id("in")
        customer = self.customer(owner)
        known: dict[str, Any] = {
            "id": invoice_id,
            "number": f"FAKE-{self._count:04d}",
            "finalized_at": self.now,
            "payment_intent": self.new_id("pi"),
            "customer_email": customer.email,
            "customer_name": customer.name,
            "customer_address": customer.address,
            "hosted_invoice_url": f"https://invoice.stripe.example/i/{invoice_id}",
            "period_start": self.now,
            "period_end": self.now,
            "billing_reason": "subscription_cycle" if plan else "manual",
        }
        if plan:
            same = "item currency price product nickname collection_method period_start period_end"
            known |= {name: getattr(plan, name) for name in same.split()}
            known |= {"subscription": plan.id, "subscription_metadata": plan.metadata}
        return self.create(InvoiceFacts, "in", customer=owner, total=total, **(known | facts))

    def _open_payment(self, invoice: InvoiceFacts) -> None:
        """An invoice is born with the intent that shall pay it, and with the payment that joins the two."""
        intent, amount = invoice.payment_intent, invoice.amount_due
        shared = {"currency": invoice.currency, "invoice": invoice.id}
        self.create(PaymentIntentFacts, "pi", id=intent, amount=amount, customer=invoice.customer, **shared)
        self.create(InvoicePaymentFacts, "inpay", amount_requested=amount, payment_intent=intent, **shared)

    # Ends without a payment

    def collectable(self, invoice_id: str) -> InvoiceFacts:
        invoice = self.invoice(invoice_id)
        if invoice.status == "paid":
            raise RefusedError(400, "Invoice is already paid")
        if invoice.status == "void":
            raise RefusedError(400, "This invoice is void and can no longer be changed")
        return invoice

    def update_invoice(self, invoice_id: str, **changes: Any) -> None:
        with self.lock:
            self.update(self.invoice(invoice_id), **changes)

    def void_invoice(self, invoice_id: str) -> None:
        self._close(invoice_id, "invoice.voided", status="void", voided_at=self.now)

    def mark_uncollectible(self, invoice_id: str, *, reason: str = "user_forgiven") -> None:
        """Endive and later tell the reason; earlier versions do not."""
        changes = {"uncollectible_reason": reason, "marked_uncollectible_at": self.now}
        self._close(invoice_id, "invoice.marked_uncollectible", status="uncollectible", **changes)

    def _close(self, invoice_id: str, event_type: str, **changes: Any) -> None:
        with self.lock:
            invoice = self.update(self.collectable(invoice_id), next_payment_attempt=None, **changes)
            self.emit(event_type, invoice)

    def credit_invoice(self, invoice_id: str, amount: int, *, reason: str | None = None) -> str:
        """A credit note: it lowers what an open invoice asks for, down to settling it, and pays back a paid one."""
        with self.lock:
            invoice = self.invoice(invoice_id)
            side = "post_payment" if invoice.status == "paid" else "pre_payment"
            note = self.create(
                CreditNoteFacts,
                "cn",
                invoice=invoice_id,
                customer=invoice.customer,
                amount=amount,
                currency=invoice.currency,
                reason=reason,
                number=f"{invoice.number}-CN-01",
                **{f"{side}_amount": amount},
            )
            self.emit("credit_note.created", note)
            self._apply_credit(invoice, side, amount)
            return note.id

    def void_credit_note(self, note_id: str) -> None:
        """Takes a note of an open invoice back: the invoice asks for its amount again."""
        with self.lock:
            note = self.set(self.get(CreditNoteFacts, note_id), status="void")
            self.emit("credit_note.voided", note)
            invoice = self.collectable(note.invoice)
            self.update(invoice, pre_payment_credit=invoice.pre_payment_credit - note.pre_payment_amount)

    def _apply_credit(self, invoice: InvoiceFacts, side: str, amount: int) -> None:
        name = f"{side}_credit"
        credited = replace(invoice, **{name: getattr(invoice, name) + amount})
        settles = invoice.status != "paid" and credited.amount_remaining == 0
        settled = {"status": "paid", "paid_at": self.now, "next_payment_attempt": None} if settles else {}
        after = self.update(invoice, **{name: getattr(credited, name)}, **settled)
        if settles:
            self.emit("invoice.paid", after)

    def overdue_invoice(self, invoice_id: str) -> None:
        """A `send_invoice` invoice passed its due date: the only sign that Stripe gives."""
        with self.lock:
            self.emit("invoice.overdue", self.collectable(invoice_id))
