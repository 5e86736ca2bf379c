"""Whether a credit on the customer's balance at Stripe would help them: it is taken in one currency only, and only an
invoice to come uses it up. Stripe is asked, so nothing of it belongs into a transaction."""

from dataclasses import dataclass
from typing import Final

from billing import gateway
from claims.models import Claim

NO_INVOICE: Final = (
    "No subscription of the customer is to be invoiced again, so nothing would use the credit up. Pay it out, or send it "
    "to the balance all the same."
)


@dataclass(frozen=True)
class Outlook:
    """For whoever decides, before they do. `problem` is empty where the credit will lower an invoice."""

    currency: str = ""
    has_next_invoice: bool = False
    problem: str = ""


def look_ahead(claim: Claim, currency: str) -> Outlook:
    """What Stripe says of the claim's customer now; never raises."""
    customer = (claim.case.account.stripe_customer_id or "") if claim.case.account else ""
    if not customer:
        return Outlook(problem="The account has no customer at Stripe, so the credit is to be given by hand.")
    if not gateway.is_enabled():
        return Outlook(problem="No key for Stripe is set, so the credit is to be given by hand.")
    try:
        return outlook_of(customer, currency)
    except gateway.StripeUnavailableError:
        return Outlook(problem="Stripe could not be asked just now whether the credit will lower an invoice.")
    except (gateway.StripeRefusedError, gateway.StripeUnknownObjectError) as refusal:
        return Outlook(problem=f"Stripe does not tell whether the credit will lower an invoice: {refusal}")


def outlook_of(customer_id: str, currency: str) -> Outlook:
    """What would become of a credit in `currency` on this balance. Raises what the gateway raises."""
    customer = gateway.read_customer(customer_id)
    if customer.is_deleted:
        return Outlook(problem="The customer is deleted at Stripe, so the credit is to be given by hand.")
    if customer.currency and customer.currency != currency.lower():
        theirs, ours = customer.currency.upper(), currency.upper()
        return Outlook(
            customer.currency, problem=f"Stripe bills the customer in {theirs} and takes no credit in {ours}."
        )
    has_next = gateway.has_next_invoice(customer_id)
    return Outlook(customer.currency, has_next, "" if has_next else NO_INVOICE)
