"""What is wrong with the set-up at Stripe, said on the pages that staff look at every day."""

from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone

from billing import setup

register = template.Library()


@register.inclusion_tag("admin/billing/_warnings.html", takes_context=True)
def stripe_warnings(context: dict[str, Any]) -> dict[str, Any]:
    """Nothing for those who may not see failed payments."""
    request = context.get("request")
    may_see = request is not None and request.user.has_perm("billing.view_paymentfailure")
    return {"warnings": setup.warnings(at=timezone.now()) if may_see else []}


@register.inclusion_tag("admin/billing/_off.html")
def dunning_switch() -> dict[str, Any]:
    """Says that dunning is off, where it is."""
    return {"is_dunning_off": not settings.DUNNING_ENABLED}
