"""Named events, by which a lower room calls an upper one without importing it.

An app registers its handlers in its `events.py` (found as Django finds `admin.py`):

    @on("mail.bounced")
    def flag_the_case(*, mail: OutgoingMail, at: datetime) -> None: ...

Handlers run in the caller's thread and transaction, in the order of registration; what they raise reaches the caller.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

type EventHandler = Callable[..., None]

_handlers: dict[str, list[EventHandler]] = defaultdict(list)


def on[H: EventHandler](*names: str) -> Callable[[H], H]:
    """Registers the decorated function for each of the named events; registering it twice is once."""

    def register(handler: H) -> H:
        for name in names:
            if handler not in _handlers[name]:
                _handlers[name].append(handler)
        return handler

    return register


def emit(name: str, **payload: Any) -> int:
    """Calls every handler of the event and returns how many there were."""
    handlers = _handlers.get(name, [])
    for handler in handlers:
        handler(**payload)
    return len(handlers)
