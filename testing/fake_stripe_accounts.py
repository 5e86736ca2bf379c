"""What happens to customers and their subscriptions: each verb changes the store and emits what Stripe would."""

from typing import Any

from testing.fake_stripe_store import StripeStore
from testing.stripe_facts import CustomerFacts, PaymentMethodFacts, SubscriptionFacts

DAY = 86_400


class StripeAccounts(StripeStore):
    def add_customer(self, *, email: str | None = None, name: str | None = None, **facts: Any) -> str:
        """Further keywords are fields of CustomerFacts, in all `add_` verbs likewise."""
        with self.lock:
            customer = self.create(CustomerFacts, "cus", email=email, name=name, **facts)
            self.emit("customer.created", customer)
            return customer.id

    def add_billed_customer(self, **facts: Any) -> str:
        """A customer with a running subscription."""
        with self.lock:
            customer = self.add_customer(**facts)
            self.add_subscription(customer)
            return customer

    def update_customer(self, customer_id: str, **changes: Any) -> None:
        with self.lock:
            self.update(self.customer(customer_id), **changes)

    def delete_customer(self, customer_id: str) -> None:
        """Ends the subscriptions too, as Stripe does. The id then answers with a `deleted` stub."""
        with self.lock:
            customer = self.customer(customer_id)
            for subscription in self.rows(SubscriptionFacts):
                if subscription.customer == customer_id and subscription.ended_at is None:
                    self.cancel_subscription(subscription.id)
            self.emit("customer.deleted", customer)
            self.set(customer, deleted=True)

    def add_payment_method(self, customer: str, *, default: bool = False, **facts: Any) -> str:
        """`default` makes it the customer's default, which a subscription's own default still overrules."""
        with self.lock:
            method = self.create(PaymentMethodFacts, "pm", customer=customer, **facts)
            self.emit("payment_method.attached", method)
            if default:
                self.update_customer(customer, default_payment_method=method.id)
            return method.id

    def add_subscription(self, customer: str, *, status: str = "active", **facts: Any) -> str:
        with self.lock:
            period = {"period_start": self.now, "period_end": self.now + 30 * DAY}
            known = {"item": self.new_id("si"), **period} | facts
            subscription = self.create(SubscriptionFacts, "sub", customer=customer, status=status, **known)
            self.emit("customer.subscription.created", subscription)
            return subscription.id

    def update_subscription(self, subscription_id: str, **changes: Any) -> None:
        with self.lock:
            self.update(self.subscription(subscription_id), **changes)

    def cancel_subscription(self, subscription_id: str, *, reason: str = "cancellation_requested") -> None:
        with self.lock:
            subscription = self.set(
                self.subscription(subscription_id),
                status="canceled",
                canceled_at=self.now,
                ended_at=self.now,
                cancel_reason=reason,
            )
            self.emit("customer.subscription.deleted", subscription)

    def pause_subscription(self, subscription_id: str, *, kind: str = "final_payment_failure") -> None:
        """The status `paused`, for instance by endive's pause on payment failure; `kind` says why."""
        with self.lock:
            subscription = self.subscription(subscription_id)
            subscription = self.update(subscription, status="paused", paused_type=kind, paused_at=self.now)
            self.emit("customer.subscription.paused", subscription)

    def resume_subscription(self, subscription_id: str) -> None:
        with self.lock:
            subscription = self.subscription(subscription_id)
            subscription = self.update(subscription, status="active", paused_type=None, paused_at=None)
            self.emit("customer.subscription.resumed", subscription)

    def pause_collection(
        self, subscription_id: str, *, behaviour: str | None = "void", resumes_at: int | None = None
    ) -> None:
        """Collection is paused, the status stays. None as behaviour lifts the pause."""
        pause = None if behaviour is None else {"behavior": behaviour, "resumes_at": resumes_at}
        self.update_subscription(subscription_id, pause_collection=pause)
