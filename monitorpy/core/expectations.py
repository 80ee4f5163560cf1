"""The assertion language: what must hold of the observation of any check. docs/expectations.md is its manual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from monitorpy.core.matchers import MATCHERS, WrongTypeError
from monitorpy.core.paths import MAX_LENGTH, Node, Path, PathError, compile_path, place
from monitorpy.core.plain import cut, to_plain
from monitorpy.core.ranges import Threshold
from monitorpy.core.result import CheckResult, Failure, Severity
from monitorpy.core.values import described, is_number, shown
from monitorpy.errors import ExpectationError

KEYS = ("path", *MATCHERS, "warning", "error", "severity")
"""Every key that an expectation may have."""

_OFFENDERS = 3
_ACTUAL_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Expectation:
    """One compiled expectation: a path, the matchers that must all hold there, and thresholds.

    ``severity`` is that of a matcher that does not hold, and of a path that selects nothing or a value of the wrong type.
    """

    path: Path
    matchers: tuple[tuple[str, Any], ...]
    threshold: Threshold | None = None
    severity: Severity = "error"

    @property
    def expected(self) -> str:
        """All that is expected, in words."""
        words = [MATCHERS[name].prose(operand) for name, operand in self.matchers]
        return " and ".join([*words, *([self.threshold.prose()] if self.threshold else [])])

    def failures(self, observation: Mapping[str, Any]) -> Iterator[Failure]:
        """What does not hold, one failure for each matcher."""
        try:
            nodes = self.path.select(observation)
        except PathError as wrong:
            yield self._failure(self.expected, None, f"{self.path} cannot be looked up: {wrong}")
            return
        if self.matchers and self.matchers[0] == ("exists", False):
            yield from self._found(nodes, observation)
        elif not nodes:
            yield self._failure(self.expected, None, f"nothing found at {self.path} (expected {self.expected})")
        else:
            yield from self._unmet(nodes)

    def _found(self, nodes: list[Node], observation: Mapping[str, Any]) -> Iterator[Failure]:
        """``exists: false``. Where not even the first name is there, nothing was looked at: that proves no absence."""
        root = self.path.root
        if nodes:
            where = ", ".join(place(steps) for steps, _ in nodes[:_OFFENDERS])
            yield self._failure(
                "not to exist", _short(nodes[0][1]), f"{self.path}: expected not to exist, found {where}: {shown(nodes[0][1])}"
            )
        elif root is not None and root not in observation:
            yield self._failure("not to exist", None, f"nothing found at {root}, so {self.path} could not be looked for")

    def _unmet(self, nodes: list[Node]) -> Iterator[Failure]:
        for name, operand in self.matchers:
            matcher = MATCHERS[name]
            offending: list[tuple[Node, str]] = []
            for node in nodes:
                try:
                    holds = matcher.holds(node[1], operand)
                except WrongTypeError as wrong:
                    offending.append((node, f"{wrong} "))
                except RecursionError:
                    offending.append((node, "something less deeply nested, "))
                else:
                    if not holds:
                        offending.append((node, ""))
            if offending:
                yield self._offended(nodes, offending, name, operand)
        if self.threshold is not None:
            yield from self._alerts(nodes, self.threshold)

    def _offended(self, nodes: list[Node], offending: list[tuple[Node, str]], name: str, operand: Any) -> Failure:
        """The failure of one matcher; of several values the first offending ones are named with their places."""
        (_, first), wanted = offending[0]
        matcher = MATCHERS[name]
        prose = matcher.prose(operand)

        def got(value: Any, wanted: str) -> str:
            return _got(value, prose, wanted) if wanted or matcher.found is None else matcher.found(value, operand)

        if len(nodes) == 1:
            return self._failure(prose, _short(first), f"{self.path}: expected {wanted}{prose}, got {got(first, wanted)}")
        named = [f"{place(steps)} is {got(value, wanted)}" for (steps, value), wanted in offending[:_OFFENDERS]]
        more = ", ..." if len(offending) > _OFFENDERS else ""
        actual = {place(steps): _short(value) for (steps, value), _ in offending[:_OFFENDERS]}
        count = f"{len(offending)} of {len(nodes)} are not"
        return self._failure(prose, actual, f"{self.path}: expected {wanted}{prose}, but {count}: {', '.join(named)}{more}")

    def _alerts(self, nodes: list[Node], threshold: Threshold) -> Iterator[Failure]:
        """The first alert of each level, and the first value that is no number."""
        seen = set()
        for steps, value in nodes:
            where = self.path.text if len(nodes) == 1 else place(steps)
            if is_number(value):
                failure = threshold.failure(self.path.text, value, what=where)
            else:
                text = f"{where}: expected a number ({threshold.prose()}), got {described(value)}"
                failure = self._failure(threshold.prose(), _short(value), text)
            if failure and (level := (failure.severity, is_number(value))) not in seen:
                seen.add(level)
                yield failure

    def _failure(self, expected: str, actual: Any, message: str) -> Failure:
        return Failure(self.path.text, expected, actual, self.severity, message)


def compile_expectation(data: Mapping[str, Any]) -> Expectation:
    """The expectation that a mapping of the check file describes.

    Raises ExpectationError; its ``key`` is the one to blame, None for the whole.
    """
    if not isinstance(data, Mapping):
        raise ExpectationError(f"an expectation must be a mapping such as {{path: status_code, equals: 200}}, not {described(data)}")
    for key in data:
        if key not in KEYS:
            near = get_close_matches(str(key), KEYS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KEYS)}"
            raise ExpectationError(f"unknown key {str(key)!r}; {hint}", str(key))
    matchers = tuple((name, _operand(name, data[name])) for name in data if name in MATCHERS)
    path = _path(data)
    threshold = _threshold(data)
    if not matchers and not threshold:
        raise ExpectationError(f"{path.text}: nothing is expected; add a matcher such as equals, lt, contains or exists")
    if ("exists", False) in matchers and (len(matchers) > 1 or threshold):
        raise ExpectationError("exists: false cannot be combined with other matchers: nothing is there to judge", "exists")
    return Expectation(path, matchers, threshold, _severity(data, threshold))


def evaluate(expectations: Iterable[Expectation], observation: Mapping[str, Any]) -> list[Failure]:
    """Everything that does not hold, in the order of the expectations."""
    return [failure for expectation in expectations for failure in expectation.failures(observation)]


def observation(result: CheckResult) -> dict[str, Any]:
    """What expectations are about: the result's own figures and, beside them, its raw data."""
    return {
        "status": result.status,
        "message": result.message,
        "response_time": result.response_time,
        "phases": result.phases,
        **(result.raw_data or {}),
    }


def expectation_schema() -> dict[str, Any]:
    """JSON Schema of one expectation, for editors."""
    level = {"anyOf": [{"type": "number"}, {"type": "string"}]}
    path = {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_LENGTH,
        "description": 'RFC 9535 JSONPath; the leading "$." may be left out.',
    }
    matchers = {name: dict(matcher.schema) for name, matcher in MATCHERS.items()}
    return {
        "type": "object",
        "properties": {"path": path, **matchers, "warning": level, "error": level, "severity": {"enum": ["warning", "error"]}},
        "required": ["path"],
        "anyOf": [{"required": [name]} for name in (*MATCHERS, "warning", "error")],
        "additionalProperties": False,
    }


def _operand(name: str, value: Any) -> Any:
    try:
        return MATCHERS[name].accept(value)
    except ValueError as wrong:
        raise ExpectationError(f"{name} {wrong}", name) from None


def _path(data: Mapping[str, Any]) -> Path:
    if "path" not in data:
        raise ExpectationError("missing required key 'path'")
    if not isinstance(data["path"], str):
        raise ExpectationError(f"path must be text, not {described(data['path'])}", "path")
    try:
        return compile_path(data["path"])
    except PathError as wrong:
        raise ExpectationError(f"path: {wrong}", "path") from None


def _threshold(data: Mapping[str, Any]) -> Threshold | None:
    levels = {level: data[level] for level in ("warning", "error") if level in data}
    if not levels:
        return None
    try:
        return Threshold.parse(levels)
    except ValueError as wrong:
        raise ExpectationError(str(wrong), next((level for level in levels if str(wrong).startswith(level)), "warning")) from None


def _severity(data: Mapping[str, Any], threshold: Threshold | None) -> Severity:
    severity = data.get("severity", "error")
    if severity not in ("warning", "error"):
        raise ExpectationError(f"severity must be warning or error, not {shown(severity)}", "severity")
    if severity == "warning" and threshold and threshold.error:
        raise ExpectationError("severity: warning contradicts the error: threshold; make that one a warning: threshold", "severity")
    return severity  # type: ignore[no-any-return]


def _got(value: Any, prose: str, wanted: str) -> str:
    """The value; with its type where that is the mistake, or where it would read as what is expected."""
    return described(value) if wanted or shown(value) == prose or prose.strip('"') == shown(value).strip('"') else shown(value)


def _short(value: Any) -> Any:
    """The value, plain and bounded, for reports."""
    return cut({"actual": to_plain(value)}, _ACTUAL_LIMIT).get("actual")
