"""The signed links in our mails: each names a row, works for as long as that exists, and does nothing by itself."""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from billing.models import PaymentFailure
from levqor.accounts.models import Account

_signer = Signer(salt="billing.pay", sep=".")
_reminders_signer = Signer(salt="billing.reminders", sep=".")


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


def reminders_url(account: Account) -> str:
    """The absolute address at which the account's people choose who gets the reminders."""
    return settings.SITE_URL + reverse("billing:reminders", args=[_reminders_signer.sign(str(account.pk))])


def account_of_token(token: str) -> Account | None:
    """The account that the token names; None where the token was not made by us."""
    try:
        pk = _reminders_signer.unsign(token)
    except BadSignature:
        return None
    return Account.objects.filter(pk=pk).first()
