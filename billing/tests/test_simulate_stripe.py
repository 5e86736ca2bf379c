"""`simulate_stripe` refuses what no event of Stripe's has, in words and before anything is sent."""

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--created", "99999999999999999", "no ISO 8601 date-time"),
        ("--created", "yesterday", "no ISO 8601 date-time"),
        ("--amount", "-5", "no whole number"),
        ("--amount", "12.50", "no whole number"),
        ("--amount", "9" * 30, "no whole number"),
        ("--duplicate", "-1", "no whole number"),
        ("--duplicate", "0", "no number of times"),
        ("--currency", "pounds", "no currency"),
        ("--currency", "zzz", "no currency"),
        ("--email", "bad", "no email address"),
    ],
)
def test_an_impossible_value_is_refused_by_its_option(option: str, value: str, words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        call_command("simulate_stripe", "invoice.payment_failed", f"{option}={value}")

    assert option in str(refused.value)
