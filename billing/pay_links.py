"""The signed link in our mails: it names a case, works for as long as the case exists, and does nothing by itself."""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from billing.models import PaymentFailure

_signer = Signer(salt="billing.pay", sep=".")


def pay_url(case: PaymentFailure) -> str:
    """The absolute address that the mail's button opens."""
    return settings.SITE_URL + reverse("billing:pay", args=[_signer.sign(str(case.pk))])


def case_of_token(token: str) -> PaymentFailure | None:
    """The case that the token names; None where the token was not made by us."""
    try:
        pk = _signer.unsign(token)
    except BadSignature:
        return None
    return PaymentFailure.objects.select_related("account").filter(pk=pk).first()
