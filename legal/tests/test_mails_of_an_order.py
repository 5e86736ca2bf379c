"""The receipt and the note to support, rendered: who may cancel, until when, and when work starts."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from legal import wording
from levqor.mail.rendering import render

RECEIPT = "legal/accepted"
NOTE = "legal/order_received"


def order(**changes: Any) -> dict[str, Any]:
    return {
        "reference": "DFY-2026-000012-K",
        "name": "Jo <b>Fern</b> & Co",
        "email": "jo@fern.test",
        "company": "Fernhill Bakery",
        "package": "Growth Build",
        "price": "£249",
        "accepted_at": datetime(2026, 11, 24, 10, 30, tzinfo=ZoneInfo("Europe/London")),
        "is_consumer": True,
        "wants_early_start": False,
        "cancel_until": "8 December 2026",
        "sentence": "I order the Growth Build for £249.",
        "boxes": [],
        "button": wording.BUTTON,
        "documents": [
            {"title": "Refund policy", "number": 3, "url": "http://x.test/legal/refunds/v/3", "sha256": "ab" * 32}
        ],
        "verify_url": "http://x.test/legal/verify?reference=DFY-2026-000012-K",
        "receipt_url": "http://x.test/legal/receipt/secret",
        "admin_url": "http://x.test/admin/",
    } | changes


def test_the_receipt_states_what_was_declared_with_which_texts() -> None:
    mail = render(RECEIPT, order(boxes=[wording.EARLY_START], wants_early_start=True))

    for part in (mail.text, mail.html):
        assert "I order the Growth Build for £249." in part
        assert wording.EARLY_START in part
        assert wording.BUTTON in part
        assert "http://x.test/legal/refunds/v/3" in part
        assert "http://x.test/legal/receipt/secret" in part
        assert "ab" * 32 in part
        assert "24 November 2026, 10:30 GMT" in part


def test_a_name_is_text_and_never_markup() -> None:
    assert "<b>" not in render(RECEIPT, order()).html


def test_a_consumer_without_early_start_may_cancel_and_gets_everything_back() -> None:
    text = render(RECEIPT, order()).text

    assert "You may cancel until the end of 8 December 2026 without giving a reason, and get everything back." in text
    assert "/refunds#cancellation-form" in text


def test_a_consumer_with_early_start_pays_for_what_is_done() -> None:
    text = render(RECEIPT, order(wants_early_start=True)).text

    assert "you would then pay for the part that is done" in text


def test_a_business_is_told_that_it_has_no_right_of_14_days() -> None:
    text = render(RECEIPT, order(is_consumer=False)).text

    assert "you do not have the 14-day right" in text
    assert "cancellation-form" not in text
    assert "8 December" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Do not start before the end of 8 December 2026"),
        ({"wants_early_start": True}, "start after payment (an early start was asked for)."),
        ({"is_consumer": False}, "start after payment."),
    ],
)
def test_support_is_told_when_work_may_start(changes: dict[str, Any], said: str) -> None:
    mail = render(NOTE, order(**changes))

    assert said in mail.text
    assert said in mail.html
