"""The exact words by which somebody accepts an agreement.

They are stored with every acceptance: a change here changes what later customers accept, and nothing that was accepted
before. Regulation 14(3) to (5) of the Consumer Contracts Regulations 2013 asks for a button that says that ordering
obliges to pay, and says nothing else; regulation 36 for an express request to start early and for the acknowledgement
that the right to cancel is lost, each given apart. docs/legal-review.md lists who has to approve a change.
"""

from collections.abc import Sequence
from typing import Final

BUTTON: Final = "Order with obligation to pay"

CONSUMER: Final = "For myself: mainly outside any trade, business, craft or profession"
BUSINESS: Final = "For a business, charity or public body, or for my trade, craft or profession"

EARLY_START: Final = (
    "Please start work within the 14 days in which I can change my mind. "
    "If I cancel after work has begun, I pay for the part that was done until then."
)
RIGHT_LOST: Final = (
    "I understand that I lose my right to cancel "
    "once the agreement has been fully carried out, bug-fix support included."
)


def acceptance_sentence(*, package: str, price: str, accepted: Sequence[str], read: Sequence[str]) -> str:
    """What the customer declares; `accepted` and `read` name documents with their versions.

    A privacy notice informs and is not agreed to, so it is among `read`.
    """
    order = f"I order the {package} for {price} and accept the {_list(accepted)}."
    return f"{order} I have read the {_list(read)}." if read else order


def _list(names: Sequence[str]) -> str:
    """`A`, `A and the B`, `A, the B and the C`."""
    *others, last = names
    return f"{', the '.join(others)} and the {last}" if others else last
