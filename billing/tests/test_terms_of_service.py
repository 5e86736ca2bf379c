"""What the terms of service say about failed payments is what the code does."""

from billing.models.policy import DEFAULT_STEPS
from legal.catalogue import BY_SLUG

NUMBER_WORDS = {1: "one day", 7: "seven days", 14: "fourteen days"}


def test_the_terms_name_the_days_on_which_reminders_go_out() -> None:
    text = BY_SLUG["terms"].source.read_text(encoding="utf-8")
    first, second, last = (day for day, _, _ in DEFAULT_STEPS)

    assert f"We remind you after {first}, {second} and {last} days." in text
    assert f"{NUMBER_WORDS[first]}, {NUMBER_WORDS[second]} and {NUMBER_WORDS[last]} after the first failure" in text


def test_the_terms_let_the_last_reminder_alone_pause_the_account() -> None:
    text = BY_SLUG["terms"].source.read_text(encoding="utf-8")

    assert [action for _, _, action in DEFAULT_STEPS] == ["remind", "remind", "suspend"]
    assert "If the invoice is still unpaid when the third message is sent, we pause your account." in text
