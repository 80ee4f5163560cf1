"""How long a certificate must still live: days, or a share of its lifetime."""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitorpy.core.values import described

_LONGEST = 36_500
"""Days: a century."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days, or a share of a certificate's lifetime (0 to 1)."""

    days: float = 0.0
    share: float | None = None

    @classmethod
    def parse(cls, value: object) -> Span:
        """Of 30 or "33%". Raises ValueError."""
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST:
            return cls(days=value)
        if isinstance(value, str) and (found := re.fullmatch(r"(\d{1,2}(?:\.\d+)?|100)%", value)):
            return cls(share=float(found[1]) / 100)
        raise ValueError(f'must be a number of days, 0 or more, or a share of the lifetime such as "33%", not {described(value)}')

    def of(self, lifetime: float) -> float:
        """The days that it is for a certificate of that lifetime (days)."""
        return self.days if self.share is None else self.share * lifetime

    def never_reached_before(self, other: Span) -> bool:
        """Whether a warning at this span could not come before the error at the other."""
        same_unit = (self.share is None) == (other.share is None)
        return same_unit and (self.days, self.share or 0) < (other.days, other.share or 0)
