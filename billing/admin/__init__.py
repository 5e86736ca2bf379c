"""The back office of billing: the queue of failed payments with its case pages, the policies, the inbox, the set-up."""

from billing.admin.lists import DunningPolicyAdmin, PaymentFailureAdmin, StripeEventAdmin

__all__ = ["DunningPolicyAdmin", "PaymentFailureAdmin", "StripeEventAdmin"]
