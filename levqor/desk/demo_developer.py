"""The key of the documented lines, for the demo's customer; it opens nothing where DEBUG is off."""

from datetime import datetime, timedelta

from developer.models import DEMO_KEY, ApiKey, DailyUsage, digest_of
from levqor.accounts.models import Account, ApiTier


def make_demo_key(account: Account, *, at: datetime) -> None:
    """Made once, with two weeks of use behind it, so that the portal has something to show."""
    key, is_new = ApiKey.objects.get_or_create(
        digest=digest_of(DEMO_KEY),
        defaults={
            "account": account,
            "name": "Documentation",
            "prefix": DEMO_KEY,
            "created_at": at - timedelta(days=14),
        },
    )
    if is_new:
        Account.objects.filter(pk=account.pk).update(api_tier=ApiTier.SANDBOX)
        for age in range(1, 14):
            day = (at - timedelta(days=age)).date()
            DailyUsage.objects.create(key=key, day=day, succeeded=age * 7 % 23, refused=age % 4)
