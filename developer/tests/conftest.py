from collections.abc import Iterator

import pytest

from developer.usage import Notes, buffer


@pytest.fixture(autouse=True)
def _notes_are_written_by_hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The thread that writes them would use the database between two tests."""
    monkeypatch.setattr(buffer, "is_by_hand", True)
    yield
    buffer._notes = Notes()
