"""Results as JUnit XML, as CI servers read it.

A check is a testcase; its classname is made of file and group, as pytest's. An error is a <failure>, one of another fault
than the target's an <error>; a warning is <skipped type="monitorpy.warning"> (JUnit has no word for it, and pytest writes the
same), as are blocked and skipped checks. The properties have what the form has no place for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from monitorpy.core.result import CheckResult, Outcome, Run
from monitorpy.core.spec import CheckSpec
from monitorpy.reporting.explain import explain, printable


def junit(run: Run, specs: Sequence[CheckSpec]) -> str:
    """The XML document; ``specs`` has one for each outcome. Characters that XML cannot hold are escaped as in Python."""
    kinds = Counter(_kind(outcome) for outcome in run.outcomes)
    attributes = {
        "name": "monitorpy",
        "tests": str(len(run.outcomes)),
        "failures": str(kinds["failure"]),
        "errors": str(kinds["error"]),
        "skipped": str(kinds["skipped"]),
        "time": f"{run.duration:.3f}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    root = ET.Element("testsuites", {k: attributes[k] for k in ("name", "tests", "failures", "errors", "time")})
    suite = ET.SubElement(root, "testsuite", attributes)
    for outcome, spec in zip(run.outcomes, specs, strict=True):
        _case(suite, outcome, _classname(spec))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _classname(spec: CheckSpec) -> str:
    """``checks.yaml.web`` for the group web; CI servers take cases of one class and name for one, so the file is in it."""
    file = spec.scope.replace("/", ".").lstrip(".") or "checks"
    return printable(f"{file}.{spec.group}" if spec.group else file)


def _case(suite: ET.Element, outcome: Outcome, classname: str) -> None:
    seconds = outcome.response_time if isinstance(outcome, CheckResult) else 0.0
    case = ET.SubElement(suite, "testcase", classname=classname, name=printable(outcome.id or "?"), time=f"{seconds:.6f}")
    if outcome.source is not None:
        case.set("file", printable(outcome.source.file))
        case.set("line", str(outcome.source.line))
    properties = ET.SubElement(case, "properties")
    for name, value in _properties(outcome).items():
        ET.SubElement(properties, "property", name=f"monitorpy.{name}", value=printable(value))
    kind = _kind(outcome)
    if kind is not None:
        fault = getattr(outcome, "fault", None)
        what = ET.SubElement(case, kind, type=f"monitorpy.{fault or outcome.status}", message=printable(outcome.message)[:500])
        if isinstance(outcome, CheckResult) and kind != "skipped":
            what.text = "\n".join(explain(outcome, {}).lines())


def _kind(outcome: Outcome) -> str | None:
    """The name of the element that tells how it ended; None for a success."""
    if outcome.status == "success":
        return None
    if isinstance(outcome, CheckResult) and outcome.is_error() and outcome.fault != "blocked":
        return "failure" if outcome.fault == "target" else "error"
    return "skipped"


def _properties(outcome: Outcome) -> dict[str, str]:
    found = {"type": outcome.plugin, "status": outcome.status, "message": outcome.message, "tags": ",".join(outcome.tags)}
    if isinstance(outcome, CheckResult):
        found |= {"fault": outcome.fault, "target": outcome.target, "attempts": str(outcome.attempts)}
    return {name: value for name, value in found.items() if value}
