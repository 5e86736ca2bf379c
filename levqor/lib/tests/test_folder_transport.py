"""The broker of a laptop: what one process writes another sees whole or not at all."""

import os
from pathlib import Path
from queue import Empty
from threading import Timer
from typing import cast

import pytest
from kombu import Connection

from levqor.lib.folder_transport import Channel, Transport


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    (tmp_path / "messages").mkdir()
    folders = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
    options = {name: str(tmp_path / folder) for name, folder in folders.items()}
    return cast("Channel", Connection(transport=Transport, transport_options=options).channel())


def test_a_message_that_is_being_written_is_not_taken(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    replace = os.replace

    def watched(source: str, target: str) -> None:
        with pytest.raises(Empty):
            channel._get("celery")
        seen.append(Path(source).read_text())
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    channel._put("celery", {"body": "one"})

    assert seen == ['{"body": "one"}']
    assert channel._get("celery") == {"body": "one"}


def test_the_oldest_message_is_taken_first(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    for moment in (2.5, 1.5):
        monkeypatch.setattr("time.monotonic", lambda moment=moment: moment)
        channel._put("celery", {"at": moment})

    assert [channel._get("celery"), channel._get("celery")] == [{"at": 1.5}, {"at": 2.5}]


def test_a_table_that_is_being_written_is_read_when_it_is_whole(channel: Channel, tmp_path: Path) -> None:
    channel._queue_bind("celery", "celery", "", "celery")
    table = tmp_path / "control" / "celery.exchange"
    whole = table.read_bytes()
    table.write_bytes(b"")
    Timer(0.1, table.write_bytes, [whole]).start()

    channel._queue_bind("celery", "celery", "", "celery")

    assert [row.queue for row in channel.get_table("celery")] == ["celery"]
