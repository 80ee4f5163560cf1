"""Ranges that alert: those of the Nagios plugin guidelines, and bare numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitorpy.core.result import Failure, Severity

_NUMBER = r"[-+]?(?:inf|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
_RANGE = re.compile(rf"(@)?(?:(~|{_NUMBER})?(:))?({_NUMBER})?")
_WANTED = 'must be a number (alerts above it) or a range such as "10:20", "@10:20", "~:5" or "10:"'


@dataclass(frozen=True, slots=True)
class Range:
    """Values that are fine: ``low`` to ``high``, both included; with ``inside`` it is the values in between that alert."""

    low: float = -math.inf
    high: float = math.inf
    inside: bool = False

    @classmethod
    def parse(cls, value: object) -> Range:
        """A number alerts strictly above it; text is a Nagios range (``"10"`` is 0 to 10).

        Raises ValueError for anything else, and for a range that never or always alerts.
        """
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(_WANTED)
        if isinstance(value, str):
            return cls._from_text(value)
        if not math.isfinite(value):
            raise ValueError(f"{_WANTED}, not {value}")
        return cls(high=value)

    @classmethod
    def _from_text(cls, text: str) -> Range:
        found = _RANGE.fullmatch(text)
        if not found or not found.group(0).strip("@"):
            raise ValueError(f"{_WANTED}, not {text!r}")
        at, start, colon, end = found.groups()
        low = -math.inf if start == "~" else _number(start or "0")
        high = math.inf if end is None else _number(end)
        if low > high:
            hint = "" if colon else f'; a number alone means 0 to that number: write "~:{text}" for at most {text}'
            raise ValueError(f"the range {text!r} starts above its end{hint}")
        if (low, high) == (-math.inf, math.inf) or low == math.inf or high == -math.inf:
            raise ValueError(f"the range {text!r} {'alerts on every value' if at else 'never alerts'}")
        return cls(low, high, bool(at))

    def alerts(self, value: float) -> bool:
        """Whether the value is one to alert on; NaN always is."""
        return _is_nan(value) or (self.low <= value <= self.high) is self.inside

    def covers(self, other: Range) -> bool:
        """Whether this one alerts on every value that the other one alerts on."""
        if self.inside and other.inside:
            return self.low <= other.low and other.high <= self.high
        if self.inside:
            below = other.low == -math.inf or (self.low == -math.inf and other.low <= self.high)
            above = other.high == math.inf or (self.high == math.inf and other.high >= self.low)
            return below and above
        if other.inside:
            return other.high < self.low or other.low > self.high
        return other.low <= self.low and self.high <= other.high

    def __str__(self) -> str:
        return self.prose()

    def prose(self, unit: str = "") -> str:
        """What is expected: ``<= 0.5``, ``10 to 20``, ``outside 10 to 20``."""
        if self.low == -math.inf:
            return f"{'> ' if self.inside else '<= '}{_plain(self.high)}{unit}"
        if self.high == math.inf:
            return f"{'< ' if self.inside else '>= '}{_plain(self.low)}{unit}"
        return f"{'outside ' if self.inside else ''}{_plain(self.low)} to {_plain(self.high)}{unit}"

    def complaint(self, value: float, unit: str = "") -> str:
        """Why a value alerts: ``0.812 s is above 0.5 s`` with the unit ``" s"``."""
        if _is_nan(value):
            return f"NaN is not {self.prose(unit)}"
        if not self.inside:
            word, bound = ("above", self.high) if value > self.high else ("below", self.low)
        elif self.low == -math.inf:
            word, bound = "not above", self.high
        elif self.high == math.inf:
            word, bound = "not below", self.low
        else:
            return f"{_plain(value)}{unit} is within {_plain(self.low)} to {_plain(self.high)}{unit}"
        return f"{_shown(value, bound)}{unit} is {word} {_plain(bound)}{unit}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A range for each level. The error one is tested first, so a warning range that it covers would never be seen."""

    warning: Range | None = None
    error: Range | None = None

    @classmethod
    def parse(cls, value: object) -> Threshold:
        """A number or range alerts as an error; a mapping names the levels: ``{warning: 0.5, error: 2}``. Raises ValueError."""
        if not isinstance(value, Mapping):
            return cls(error=Range.parse(value))
        if not value or not value.keys() <= {"warning", "error"}:
            raise ValueError("must have warning, error, or both, and no other key")
        parsed = {}
        for key, given in value.items():
            try:
                parsed[key] = Range.parse(given)
            except ValueError as wrong:
                raise ValueError(f"{key} {wrong}") from None
        return cls(**parsed).checked()

    def checked(self) -> Threshold:
        """Itself; ValueError if the error range alerts on all that the warning range alerts on, and on more."""
        warning, error = self.warning, self.error
        if warning and error and error.covers(warning) and not warning.covers(error):
            raise ValueError(f"the warning ({warning}) can never be seen: the error ({error}) alerts on all of its values first")
        return self

    def judge(self, value: float) -> Severity | None:
        """The level at which the value alerts, None if it is fine."""
        if self.error and self.error.alerts(value):
            return "error"
        return "warning" if self.warning and self.warning.alerts(value) else None

    def failure(self, path: str, value: float, *, what: str = "", unit: str = "") -> Failure | None:
        """The failure that the value is, or None: ``what`` ("response time") and ``unit`` (" s") make the sentence."""
        severity = self.judge(value)
        if severity is None:
            return None
        alerting = self.error if severity == "error" else self.warning
        assert alerting is not None  # judge says so
        return Failure(path, alerting.prose(unit), value, severity, f"{what or path} {alerting.complaint(value, unit)}")

    def prose(self) -> str:
        """What is expected at each level."""
        levels: tuple[tuple[str, Any], ...] = (("warning", self.warning), ("error", self.error))
        return ", ".join(f"{level} unless {alerting}" for level, alerting in levels if alerting)


def _number(text: str) -> float:
    return float(text) if any(mark in text.lower() for mark in ".enf") else int(text)


def _plain(value: float) -> str:
    return f"{value:.15g}"


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)  # math.isnan refuses huge integers


def _shown(value: Any, bound: float) -> str:
    """The value with as few decimals as still tell it from the bound (and from 0)."""
    if isinstance(value, float) and math.isfinite(value):
        for digits in (3, 6, 9):
            text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
            if float(text) != bound and (float(text) != 0 or value == 0):
                return text
    return repr(value)
