"""The signed links by which a subscriber confirms, changes and ends a subscription without signing in."""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from levqor.lib.forms import STRAY
from status.models import Subscriber

_signer = Signer(salt="status.subscriber", sep=".")


def token_of(subscriber: Subscriber) -> str:
    return _signer.sign(str(subscriber.pk))


def subscriber_of(token: str) -> Subscriber | None:
    """The subscriber that the token names; None where it was not made by us."""
    try:
        pk = _signer.unsign(token.rstrip(STRAY))
    except BadSignature:
        return None
    return Subscriber.objects.filter(pk=pk).first()


def link(name: str, subscriber: Subscriber) -> str:
    """The absolute address of `status:<name>` for the subscriber."""
    return settings.SITE_URL + reverse(f"status:{name}", args=[token_of(subscriber)])
