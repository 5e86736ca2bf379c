"""The keys that the metered call is measured with, on Levqor's own database: pro tier, some with 5,000 calls behind them."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

import django
from django.core.management import call_command
from django.utils import timezone

from bench.metered_keys import KEYS, WINDOW, is_full, secret_of

django.setup()

from developer.admission import Month  # noqa: E402  # models exist once Django is set up
from developer.models import ApiKey, MonthlyUsage, digest_of  # noqa: E402
from levqor.accounts.models import Account, ApiTier  # noqa: E402


def prepare() -> None:
    call_command("migrate", verbosity=0)
    now = timezone.now()
    month = Month.of(now).name
    for number in range(KEYS):
        account = Account.objects.create(name=f"Customer {number}", api_tier=ApiTier.PRO)
        digest = digest_of(secret_of(number))
        key = ApiKey.objects.create(account=account, name="ci", digest=digest, prefix="lvq_test_", created_at=now)
        if is_full(number):
            MonthlyUsage.objects.create(account=account, month=month, used=WINDOW, quota=10_000, key_id=key.pk)


if __name__ == "__main__":
    prepare()
