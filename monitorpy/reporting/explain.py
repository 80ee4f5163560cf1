"""Why a check ended as it did, in lines of text: one wording for `monitorpy batch -v` and for pytest."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import monitorpy.core
from monitorpy.core.plain import to_plain
from monitorpy.core.registry import registry
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.spec import CheckSpec
from monitorpy.utils.masking import MASK, Masker, sounds_secret

_WIDTH = 200
"""Characters of one value that are shown; `details` shows all of it."""

_ACCOUNT = re.compile(r"(://)[^/?#\s]+@")
"""User name and password in a URL, whether the plugin takes one there or not."""

_COMMAND = re.compile(r"^(\s*):(?=:)|#(#\w*\[)")

_CORE = Path(monitorpy.core.__file__).parent

_FRAMEWORK = tuple(
    f'  File "{folder}{os.sep}' for folder in (_CORE, _CORE.parents[1] / "pytest_monitorpy", Path(os.__file__).parent / "asyncio")
)
"""How the frames begin that lead to a plugin."""

_MARGIN = re.compile(r"^ *\| ")
"""In front of the lines of an ExceptionGroup."""

FAULTS = {
    "config": "the configuration is at fault, the target was not judged",
    "environment": "this machine cannot look, the target was not judged",
    "plugin": "the plugin is at fault, the target was not judged",
    "not_run": "the check did not run",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The parts of the text, in the order in which they are shown; no line holds a control character.

    ``config`` is what was asked, ``verdict`` what came of it (its first line is the headline), ``crash`` the plugin's
    own frames where it crashed, ``raw`` the raw data where details were wanted.
    """

    config: tuple[str, ...]
    verdict: tuple[str, ...]
    crash: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Everything, the parts set apart by indentation."""
        return [*self.crash, *("    " + line for line in self.config), *self.verdict, *("    " + line for line in self.raw)]


def explain(result: CheckResult, config: Mapping[str, Any], *, details: bool = False) -> Explanation:
    """The explanation of a result; ``config`` is shown as it is given, so it comes from `shown_config`."""
    data = result.raw_data or {}
    crash = tuple(own_frames(trace)) if isinstance(trace := data.get("traceback"), str) else ()
    raw = (
        json.dumps({k: v for k, v in data.items() if k != "traceback"}, indent=2, ensure_ascii=False, default=str).splitlines()
        if details
        else ()
    )
    return Explanation(
        config=tuple(f"{printable(str(key))}: {shown_value(value, details)}" for key, value in config.items()),
        verdict=tuple(_verdict(result, details)),
        crash=crash,
        raw=tuple(map(printable, raw)),
    )


def shown_config(spec: CheckSpec) -> dict[str, Any]:
    """The config of a check as it may be shown: the file's secrets, SecretStr fields and keys that sound secret are masked."""
    masker = spec.masker | _declared_secrets(spec)
    return {key: _hidden(key, value) for key, value in masker.plain(to_plain(spec.config)).items()}


def full_masker(spec: CheckSpec) -> Masker:
    """A masker of all that `shown_config` hides, for texts that may hold any of it: tracebacks with their locals."""
    return spec.masker | _declared_secrets(spec) | set(_hidden_texts("", to_plain(spec.config)))


def masker_of_all(specs: Iterable[CheckSpec]) -> Masker:
    """The same of several checks together, for texts that may come from any of them."""
    return Masker(secret for spec in specs for secret in full_masker(spec).secrets)


def _hidden_texts(key: str, value: Any) -> Iterator[str]:
    """The texts that `_hidden` leaves out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _hidden_texts(key if sounds_secret(key) else name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _hidden_texts(key, inner)
    elif sounds_secret(key) and value is not None and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str):
        yield from (account[0][3:-1] for account in _ACCOUNT.finditer(value))


def _declared_secrets(spec: CheckSpec) -> set[str]:
    if spec.plugin not in registry.plugins:
        return set()
    try:
        return registry.get_plugin(spec.plugin, spec.config).get_secrets()
    except (Exception, SystemExit):  # noqa: BLE001 - a plugin that cannot be made has said so in its result
        return set()


def check_name(group: str | None, check_id: str | None) -> str:
    """``group::id``."""
    return f"{group}::{check_id}" if group else str(check_id)


def duration(seconds: float | None) -> str:
    """Seconds as "0.4 ms", "131 ms" or "1.52 s"; "not reached" for a phase that is None."""
    if seconds is None:
        return "not reached"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f} ms" if milliseconds < 1 else f"{milliseconds:.0f} ms"


def printable(text: str) -> str:
    """The text on one line, with every control character escaped: what a peer sends must not steer a terminal or break JUnit's XML."""
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def harmless(line: str) -> str:
    """The line, so that no CI takes it for a command.

    Those are ``::error::`` at its start, spaces aside (GitHub), and ``##[error]`` or ``##vso[task...]`` anywhere (GitHub, Azure).
    """
    return _COMMAND.sub(lambda found: f"\\x23{found[2]}" if found[2] else f"{found[1]}\\x3a", line)


def _hidden(key: str, value: Any) -> Any:
    if sounds_secret(key) and value is not None and not isinstance(value, bool):
        return MASK
    if isinstance(value, dict):
        return {k: _hidden(k, v) for k, v in value.items()}
    return _ACCOUNT.sub(rf"\1{MASK}@", value) if isinstance(value, str) else value


def _verdict(result: CheckResult, details: bool) -> Iterator[str]:
    head, *more = result.message.splitlines() or [""]
    yield f"{result.status.upper()}: {printable(head)}"
    yield from (f"  {printable(line)}" for line in more)
    for failure in result.failures:
        yield from _failure(failure, result, details)
    if isinstance(addresses := (result.raw_data or {}).get("addresses"), list):
        yield from (_address(entry) for entry in addresses if isinstance(entry, dict))
    if times := _times(result):
        yield times
    if result.attempts > 1:
        yield f"  attempts: {result.attempts}"
    if fault := FAULTS.get(result.fault or ""):
        yield f"  {fault}"


def _failure(failure: Failure, result: CheckResult, details: bool) -> Iterator[str]:
    mild = " (warning)" if failure.severity == "warning" and result.is_error() else ""
    said = f": {failure.message}" if failure.message and failure.message not in result.message else ""
    yield f"  {printable(failure.path + mild + said)}"
    yield f"    - expected: {printable(failure.expected)}"
    yield f"    + actual:   {shown_value(failure.actual, details)}"


def _address(entry: dict[str, Any]) -> str:
    time = entry.get("response_time")
    took = f" ({duration(time)})" if isinstance(time, int | float) else ""
    return "  " + printable(f"{entry.get('address')}: {str(entry.get('status')).upper()}: {entry.get('message')}{took}")


def _times(result: CheckResult) -> str:
    phases = [f"{name.replace('_', ' ')} {duration(seconds)}" for name, seconds in result.phases.items()]
    total = [f"total {duration(result.response_time)}"] if result.response_time else []
    return printable("  " + "  ".join(phases + total)) if phases or total else ""


def shown_value(value: Any, details: bool) -> str:
    """A value on one line: text bare where that is unambiguous, everything else as JSON."""
    plain = isinstance(value, str) and value.isprintable() and value == value.strip() and value
    text = printable(str(value) if plain else json.dumps(value, ensure_ascii=False, default=str))
    return text if details or len(text) <= _WIDTH else f"{text[:_WIDTH]}... ({len(text)} characters)"


def own_frames(trace: str) -> Iterator[str]:
    """The lines of a traceback without the frames of the framework, which say nothing about the crash."""
    skipping = False
    for line in trace.splitlines():
        text = _MARGIN.sub("", line)
        if text.startswith("  File "):
            skipping = text.startswith(_FRAMEWORK)
        elif not text.startswith("    "):
            skipping = False
        if not skipping:
            yield harmless(printable(line))
