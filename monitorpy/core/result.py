"""What a check found: CheckResult, and the two values around it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeAlias, cast

from monitorpy.errors import Fault, Kind

Severity: TypeAlias = Literal["warning", "error"]
Phases: TypeAlias = Mapping[str, float | None]

_RANK = {"success": 0, "warning": 1, "error": 2}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a check is written: the file as the user named it, line and column from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that does not hold.

    ``path`` says of what ("status_code", "json.queue.depth"), ``expected`` is prose ("200", "< 5"), ``actual`` the value
    that was found. ``message`` is the sentence for a person; without one it is made of the three.
    """

    path: str
    expected: str
    actual: Any = None
    severity: Severity = "error"
    message: str = ""

    def __str__(self) -> str:
        return self.message or f"{self.path}: expected {self.expected}, got {self.actual!r}"

    def to_dict(self) -> dict[str, Any]:
        return {"path": self.path, "expected": self.expected, "actual": self.actual, "severity": self.severity}


@dataclass(frozen=True)
class CheckResult:
    """The outcome of a check: a frozen value.

    The first four fields are what a plugin says. ``response_time`` and ``phases`` are in seconds (a phase that was not
    reached is None). The others are filled in by `execute`: see docs/results.md for the JSON form.

    Raises ValueError for a status outside VALID_STATUSES, a response time that is not a number of seconds >= 0,
    and raw data that is not a mapping.
    """

    STATUS_SUCCESS: ClassVar[str] = "success"
    STATUS_WARNING: ClassVar[str] = "warning"
    STATUS_ERROR: ClassVar[str] = "error"
    VALID_STATUSES: ClassVar[tuple[str, ...]] = ("success", "warning", "error")

    status: str
    message: str
    response_time: float = 0.0
    raw_data: dict[str, Any] | None = None
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC), kw_only=True)
    phases: Phases = field(default_factory=dict, kw_only=True)
    failures: tuple[Failure, ...] = field(default=(), kw_only=True)
    fault: Fault | None = field(default=None, kw_only=True)
    kind: Kind | None = field(default=None, kw_only=True, compare=False)
    attempts: int = field(default=1, kw_only=True)
    id: str | None = field(default=None, kw_only=True)
    plugin: str | None = field(default=None, kw_only=True)
    tags: tuple[str, ...] = field(default=(), kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    source: Source | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.status not in self.VALID_STATUSES:
            raise ValueError(f"status must be one of {', '.join(self.VALID_STATUSES)}, not {self.status!r}")
        seconds, raw, message = (cast(object, v) for v in (self.response_time, self.raw_data, self.message))  # whatever a plugin gave
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"response_time must be a number of seconds, 0 or more, not {seconds!r}")
        if raw is None:
            object.__setattr__(self, "raw_data", {})
        elif not isinstance(raw, dict):
            raise ValueError(f"raw_data must be a dict, not {type(raw).__name__}")
        if not isinstance(message, str):
            object.__setattr__(self, "message", str(message))

    @classmethod
    def success(cls, message: str, response_time: float = 0.0, raw_data: dict[str, Any] | None = None, **more: Any) -> CheckResult:
        return cls("success", message, response_time, raw_data, **more)

    @classmethod
    def warning(cls, message: str, response_time: float = 0.0, raw_data: dict[str, Any] | None = None, **more: Any) -> CheckResult:
        return cls("warning", message, response_time, raw_data, **more)

    @classmethod
    def error(cls, message: str, response_time: float = 0.0, raw_data: dict[str, Any] | None = None, **more: Any) -> CheckResult:
        return cls("error", message, response_time, raw_data, **more)

    def is_success(self) -> bool:
        return self.status == "success"

    def is_warning(self) -> bool:
        return self.status == "warning"

    def is_error(self) -> bool:
        return self.status == "error"

    def changed(self, **changes: Any) -> CheckResult:
        """A copy with other values."""
        return replace(self, **changes)

    @property
    def target(self) -> str | None:
        """What was looked at, for reports: the plugin leaves it in ``raw_data["target"]`` or under a usual name."""
        return observed_target(self.raw_data or {})

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of docs/results.md; plain types as long as raw_data is plain."""
        return {
            "id": self.id,
            "plugin": self.plugin,
            "status": self.status,
            "fault": self.fault,
            "message": self.message,
            "response_time": self.response_time,
            "timestamp": self.timestamp.isoformat(timespec="microseconds"),
            "attempts": self.attempts,
            "phases": dict(self.phases),
            "failures": [f.to_dict() for f in self.failures],
            "raw_data": self.raw_data,
            "tags": list(self.tags),
            "group": self.group,
            "source": {"file": self.source.file, "line": self.source.line} if self.source else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckResult:
        """The inverse of to_dict; only ``status`` and ``message`` must be there. Raises ValueError and KeyError."""
        more: dict[str, Any] = {k: data[k] for k in ("phases", "fault", "attempts", "id", "plugin", "group") if k in data}
        if stamp := data.get("timestamp"):
            more["timestamp"] = datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp
        more["failures"] = tuple(Failure(**f) for f in data.get("failures") or ())
        more["tags"] = tuple(data.get("tags") or ())
        if source := data.get("source"):
            more["source"] = Source(source["file"], source["line"])
        return cls(data["status"], data["message"], data.get("response_time", 0.0), data.get("raw_data"), **more)


@dataclass(frozen=True, slots=True)
class SkippedCheck:
    """A check that was not run because its file says ``skip:``; the reason is its message."""

    id: str
    plugin: str
    message: str
    tags: tuple[str, ...] = ()
    group: str | None = None
    source: Source | None = None
    status: Literal["skipped"] = "skipped"

    def to_dict(self) -> dict[str, Any]:
        """The same keys as CheckResult.to_dict; what was not measured is null, attempts are 0."""
        empty = CheckResult("success", self.message, id=self.id, plugin=self.plugin, tags=self.tags, group=self.group, source=self.source)
        return {**empty.to_dict(), "status": self.status, "response_time": None, "timestamp": None, "attempts": 0}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SkippedCheck:
        """The inverse of to_dict."""
        source = data["source"]
        where = Source(source["file"], source["line"]) if source else None
        return cls(data["id"], data["plugin"], data["message"], tuple(data["tags"]), data["group"], where)


Outcome: TypeAlias = CheckResult | SkippedCheck
"""What a run has for each check, in file order."""


def observed_target(data: Mapping[str, Any]) -> str | None:
    """What a check looked at, by its raw data: see `CheckResult.target`."""
    for key in ("target", "url", "name", "host", "hostname"):
        if isinstance(value := data.get(key), str):
            port = data.get("port")
            return f"{value}:{port}" if key in {"host", "hostname"} and isinstance(port, int) else value
    return None


def worst(statuses: Iterable[str]) -> str:
    """The worst of "success" < "warning" < "error"; "success" for none."""
    return max(statuses, key=_RANK.__getitem__, default="success")


def how_ended(status: str, fault: str | None) -> str:
    """The status, or "blocked" for the error of a check that a needed one kept from running."""
    return "blocked" if fault == "blocked" else status


def counted(ends: Iterable[tuple[str, str | None]]) -> dict[str, int]:
    """How many ended how, by status and fault of each: a blocked check counts in ``blocked`` only, a skipped one in ``skipped`` only."""
    counts = dict.fromkeys(("success", "warning", "error", "blocked", "skipped"), 0)
    for status, fault in ends:
        counts[how_ended(status, fault)] += 1
    return counts


def document(results: list[dict[str, Any]], duration: float) -> dict[str, Any]:
    """The document of ``--json``, of results as to_dict() gives them; docs/results.md."""
    return {"schema": 1, "summary": _summary([(r["status"], r["fault"]) for r in results], duration), "results": results}


def _summary(ends: list[tuple[str, str | None]], duration: float) -> dict[str, Any]:
    return {"total": len(ends), **counted(ends), "duration": duration}


@dataclass(frozen=True, slots=True)
class Run:
    """All outcomes of one run, in file order, and how long it took (seconds); ``interrupted`` by Ctrl-C."""

    outcomes: tuple[Outcome, ...]
    duration: float
    interrupted: bool = False

    def summary(self) -> dict[str, Any]:
        """The counts of `counted`, with ``total`` and ``duration`` (seconds)."""
        return _summary([(o.status, getattr(o, "fault", None)) for o in self.outcomes], self.duration)

    @property
    def status(self) -> str:
        """The worst status of the checks that ran."""
        return worst(o.status for o in self.outcomes if isinstance(o, CheckResult))

    def to_dict(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return document([o.to_dict() for o in self.outcomes], self.duration)
