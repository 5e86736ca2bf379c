"""The words by which somebody accepts say what is bought, at which price, and on which texts."""

from legal import wording


def test_the_sentence_names_the_order_the_price_and_every_document() -> None:
    sentence = wording.acceptance_sentence(
        package="Growth Build",
        price="£249",
        accepted=["Done-for-you agreement (version 2)", "Terms of service (version 1)", "Refund policy (version 4)"],
        read=["Privacy notice (version 3)"],
    )

    assert sentence == (
        "I order the Growth Build for £249 and accept the Done-for-you agreement (version 2), the Terms of service "
        "(version 1) and the Refund policy (version 4). I have read the Privacy notice (version 3)."
    )


def test_the_button_says_that_ordering_obliges_to_pay_and_nothing_else() -> None:
    assert wording.BUTTON == "Order with obligation to pay"


def test_the_two_boxes_of_consumers_ask_for_two_different_things() -> None:
    assert "start work within the 14 days" in wording.EARLY_START
    assert "lose my right to cancel once the agreement has been fully carried out" in wording.RIGHT_LOST
    assert "lose" not in wording.EARLY_START
