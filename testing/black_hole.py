"""An address of this machine where packets are dropped: nobody is refused there, and nobody is ever answered.

The listener accepts nothing and its queue is full, so that the kernel drops every further attempt to connect.
"""

import errno
import socket
from types import TracebackType
from typing import Self


class BlackHole:
    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._waiting = [self._knock() for _ in range(4)]

    def _knock(self) -> socket.socket:
        """One attempt to connect, of those that fill the queue."""
        visitor = socket.socket()
        visitor.setblocking(False)
        if visitor.connect_ex(("127.0.0.1", self.port)) not in {0, errno.EINPROGRESS}:
            raise RuntimeError("The black hole refuses connections instead of dropping them.")
        return visitor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for one in (*self._waiting, self._listener):
            one.close()
