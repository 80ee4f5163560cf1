from __future__ import annotations

import math
from time import monotonic

from monitorpy.errors import NetError


class Deadline:
    """A point on the monotonic clock by which everything must be over.

    One is made for each attempt of a check and handed down to every socket operation, so that a peer that
    trickles a byte at a time cannot outlive it: a timeout per operation bounds nothing.
    """

    __slots__ = ("_at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds  # as given, for messages
        self._at = monotonic() + seconds

    @classmethod
    def never(cls) -> Deadline:
        """A deadline that is never reached."""
        return cls(math.inf)

    def earlier(self, other: Deadline | None) -> Deadline:
        """The one of the two that comes first."""
        return other if other is not None and other._at < self._at else self  # noqa: SLF001 - our own

    @property
    def expired(self) -> bool:
        return monotonic() >= self._at

    def left(self) -> float:
        """Seconds that are left, never below 0; infinite for `never`."""
        return max(0.0, self._at - monotonic())

    def overdue(self) -> float:
        """Seconds since it was reached, 0 before."""
        return max(0.0, monotonic() - self._at)

    def timeout(self, phase: str, what: str = "no answer") -> float:
        """Seconds for the next socket operation; raises NetError of kind "timeout" when none are left."""
        left = self._at - monotonic()
        if left <= 0:
            raise self.error(phase, what)
        return left

    def error(self, phase: str, what: str = "no answer") -> NetError:
        """What to raise when the deadline is reached: ``<what> within <seconds> s``."""
        return NetError(f"{what} within {self.seconds:g} s", phase=phase, kind="timeout")
