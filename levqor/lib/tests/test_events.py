from collections import defaultdict

import pytest

from levqor.lib import events
from levqor.lib.events import emit, on


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_handlers", defaultdict(list))


def test_handlers_are_called_in_the_order_of_registration() -> None:
    heard: list[str] = []
    on("mail.bounced")(lambda *, mail: heard.append(f"first {mail}"))
    on("mail.bounced")(lambda *, mail: heard.append(f"second {mail}"))

    assert emit("mail.bounced", mail="M1") == 2
    assert heard == ["first M1", "second M1"]


def test_one_handler_may_listen_to_several_events() -> None:
    heard: list[int] = []
    on("a", "b")(lambda *, number: heard.append(number))

    emit("a", number=1)
    emit("b", number=2)

    assert heard == [1, 2]


def test_a_handler_registered_twice_is_called_once() -> None:
    heard: list[str] = []

    def handler() -> None:
        heard.append("called")

    on("a")(handler)
    on("a")(handler)

    assert (emit("a"), heard) == (1, ["called"])


def test_an_event_nobody_listens_to_counts_no_handler() -> None:
    assert emit("unheard", number=1) == 0


def test_what_a_handler_raises_reaches_the_caller() -> None:
    @on("a")
    def refuse() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        emit("a")
