"""Kombu's transport through a folder, mended where one process sees what another has not finished writing.

Kombu makes the file of a message and writes it afterwards; a worker that looks in between takes an empty file, cannot read
it and ends. Here a file gets its name once it is whole. The table of an exchange is emptied before it is written anew: who
finds it empty looks again.
"""

import os
import time
import uuid
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

LOOKS = 50
SECONDS_BETWEEN = 0.02


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # its bases disagree
        # By name the oldest is taken first.
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        whole = os.path.join(self.data_folder_out, name)
        try:
            with open(f"{whole}.part", "wb") as file:
                file.write(str_to_bytes(dumps(payload)))
            os.replace(f"{whole}.part", whole)
        except OSError as error:
            raise ChannelError(f"Cannot add file {whole!r} to the folder of the broker") from error

    def _queue_bind(self, *args: Any) -> None:
        for look in range(LOOKS):
            try:
                super()._queue_bind(*args)
            except ValueError:
                if look == LOOKS - 1:
                    raise
                time.sleep(SECONDS_BETWEEN)
            else:
                return

    def get_table(self, exchange: str) -> Any:
        for _ in range(LOOKS):
            try:
                return super().get_table(exchange)
            except ValueError:
                time.sleep(SECONDS_BETWEEN)
        return []


class Transport(filesystem.Transport):
    Channel = Channel
    # A worker notices that it is to stop when a look at the folder ends, which Kombu lets take up to three seconds.
    polling_interval = 0.25

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        patience = None if timeout is None else min(timeout, 2 * self.polling_interval)
        super().drain_events(connection, timeout=patience, **kwargs)
