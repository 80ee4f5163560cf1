"""A pool of connections for plugins whose connections are dear: a database, say.

None of the built-in checks uses it: a reused connection hides the failures of making one, and those are what most checks
are about.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic, TypeVar

from monitorpy.utils.logging import get_logger

TargetT = TypeVar("TargetT", bound=Hashable)
ConnectionT = TypeVar("ConnectionT")
logger = get_logger(__name__)


class ConnectionPool(Generic[TargetT, ConnectionT]):
    """Idle connections by target, at most ``max_idle`` of each; any number may be in use at once.

    ``connect(target)`` makes one; what it raises passes to whoever asked. ``usable(connection)`` is asked before an idle one
    is given out again: False, or an exception, means that it is closed and the next is tried. Safe to share between threads.
    """

    def __init__(
        self,
        connect: Callable[[TargetT], ConnectionT],
        *,
        max_idle: int = 10,
        usable: Callable[[ConnectionT], bool] | None = None,
    ) -> None:
        if max_idle < 1:
            raise ValueError(f"max_idle must be 1 or more, not {max_idle}")
        self._connect = connect
        self._max_idle = max_idle
        self._usable = usable
        self._idle: dict[TargetT, list[ConnectionT]] = {}
        self._lock = Lock()
        self._closed = False

    @contextmanager
    def connection(self, target: TargetT) -> Iterator[ConnectionT]:
        """A connection for the block; it goes back to the pool, unless the block raises: then its state is unknown and it is closed."""
        connection = self._take(target)
        try:
            yield connection
        except BaseException:
            _close(connection)
            raise
        self._give_back(target, connection)

    def idle(self, target: TargetT) -> int:
        """How many connections to that target wait to be used again."""
        with self._lock:
            return len(self._idle.get(target, ()))

    def close(self) -> None:
        """Close the idle ones now, those in use when they come back. Asking for one after this is a RuntimeError."""
        with self._lock:
            self._closed = True
            waiting = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in waiting:
            _close(connection)

    def _take(self, target: TargetT) -> ConnectionT:
        while True:
            with self._lock:
                if self._closed:
                    raise RuntimeError("the connection pool is closed")
                waiting = self._idle.get(target)
                connection = waiting.pop() if waiting else None  # the one used last: the least likely to have been cut
            if connection is None:
                return self._connect(target)
            if self._still_usable(connection):
                return connection
            _close(connection)

    def _still_usable(self, connection: ConnectionT) -> bool:
        if self._usable is None:
            return True
        try:
            return self._usable(connection)
        except Exception as broken:  # noqa: BLE001 - the question is whether it works; this is an answer
            logger.debug("idle connection is not usable: %s", broken)
            return False

    def _give_back(self, target: TargetT, connection: ConnectionT) -> None:
        with self._lock:
            waiting = self._idle.setdefault(target, []) if not self._closed else None
            if waiting is not None and len(waiting) < self._max_idle:
                waiting.append(connection)
                return
        _close(connection)


def _close(connection: Any) -> None:
    """Close it, whatever state it is in: its own failure to close must not hide why it is closed."""
    try:
        connection.close()
    except Exception as broken:  # noqa: BLE001 - see above
        logger.debug("closing a connection: %s", broken)
