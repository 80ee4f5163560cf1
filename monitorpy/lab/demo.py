"""`monitorpy demo`: the lab, a folder of check files, and pytest over them, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

from monitorpy.lab.demo_files import write_files
from monitorpy.lab.lab import Lab

DEFAULT_FOLDER = Path("monitorpy-demo")
REPORT = "report.html"
PAGE = "checks.html"
RESULTS = "results.json"
ENVIRONMENT = "lab.env"
INTERRUPTED = 130  # what shells report for Ctrl-C

_OURS = ("checks.yaml", "custom.yaml")
_DISTURBING = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
_GRACE = 3.0  # seconds for pytest to end after Ctrl-C
_RAN = (0, 1)  # pytest's exit codes for: all passed, some failed
_WORDS = {"success": "passed", "warning": "warned", "error": "failed", "blocked": "blocked", "skipped": "skipped"}


def run_demo(
    folder: Path = DEFAULT_FOLDER, *, serve: bool = False, stop: Event | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> int:
    """Write the demo (and the files in ``more``) into ``folder`` and run it; the last line printed says where the report is.

    Returns 0 when every check ended as the demo meant it to, its failures included; 2 when one did not; 3 when pytest
    could not run; 130 after Ctrl-C. With ``serve`` nothing runs: the servers stay up until Ctrl-C (or ``stop``), and 0.
    Raises UsageError if the folder is not the demo's.
    """
    folder = folder.resolve()
    write_files(folder, more)
    with Lab() as lab:
        environ = {**lab.environ(), "LAB_FOLDER": str(folder)}
        return _serve(folder, environ, stop or Event()) if serve else _run(folder, environ)


def _run(folder: Path, environ: Mapping[str, str]) -> int:
    for name in (REPORT, PAGE, RESULTS):
        (folder / name).unlink(missing_ok=True)  # what lies there afterwards is of this run
    files = [f"--monitorpy={name}" for name in _OURS]
    reports = [f"--html={REPORT}", "--self-contained-html", f"--monitorpy-html={PAGE}", f"--monitorpy-json={RESULTS}"]
    command = ["pytest", *files, *reports, "-p", "no:cacheprovider"]
    _say(f"$ cd {shlex.quote(str(folder))} && {shlex.join(command)}")
    try:
        code = _call(command, folder, _environment(os.environ, environ))
        verdict = _verdict(folder, code)
    except KeyboardInterrupt:
        _say("\ninterrupted")
        verdict = INTERRUPTED
    if (folder / PAGE).exists():
        _say(f"The checks alone, on a page of MonitorPy's own: {folder / PAGE}")
    if (folder / REPORT).exists():
        _say(f"The report is in {folder / REPORT}")
    return verdict


def _call(command: list[str], folder: Path, environ: Mapping[str, str]) -> int:
    """Run pytest in ``folder``: the pytest.ini there keeps the settings and conftests of other projects out."""
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environ)  # noqa: S603 - our own words
    try:
        return process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):  # the terminal told pytest too: let it write its reports
            process.wait(_GRACE)
        raise
    finally:
        process.kill()
        process.wait()


def _environment(outer: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """The environment for pytest: without what would change its behaviour, and with no proxy on the way to loopback."""
    environ = {name: value for name, value in outer.items() if name not in _DISTURBING}
    if path := environ.get("PYTHONPATH"):  # relative entries are meant from here, not from the demo's folder
        environ["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in path.split(os.pathsep) if entry)
    return {**environ, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", **ours}


def _verdict(folder: Path, code: int) -> int:
    if code not in _RAN or not (folder / RESULTS).exists():
        _say("", f"pytest could not run the demo (it ended with {code}).")
        return 3
    outcomes = {result["id"]: result for result in json.loads((folder / RESULTS).read_text(encoding="utf-8"))["results"]}
    expected: dict[str, str] = json.loads((files("monitorpy.lab") / "expected.json").read_text(encoding="utf-8"))
    if wrong := differences(outcomes, expected):
        _say("\nThe demo did not end as it was meant to:", *(f"  {line}" for line in wrong))
        return 2
    counts = Counter(expected.values())
    found = ", ".join(f"{counts[status]} {word}" for status, word in _WORDS.items())
    _say("", f"{len(expected)} checks, and each ended as the demo means it to: {found}.")
    _say(f"To change the checks and run them again: monitorpy demo --serve --dir {shlex.quote(str(folder))}")
    return 0


def differences(outcomes: Mapping[str, Mapping[str, Any]], expected: Mapping[str, str]) -> list[str]:
    """A line for each check that is missing, was not expected, or ended otherwise: by status, and a failure by the target's fault."""
    lines = [f"{name}: did not run" for name in expected if name not in outcomes]
    for name, outcome in outcomes.items():
        ended, fault = outcome["status"], outcome["fault"]
        if fault == "blocked":
            ended, fault = "blocked", None
        if ended != (meant := expected.get(name, "nothing, there is no such check")):
            lines.append(f"{name}: {ended}, meant was {meant}: {outcome['message']}")
        elif fault not in {None, "target"}:
            lines.append(f"{name}: failed by a fault of the {fault}: {outcome['message']}")
    return lines


def _serve(folder: Path, environ: Mapping[str, str], stop: Event) -> int:
    settings = folder / ENVIRONMENT
    settings.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in environ.items()), encoding="utf-8")
    _say(
        "The servers of the demo are up until you press Ctrl-C. In a second terminal:",
        "",
        f"  cd {shlex.quote(str(folder))}",
        f"  . ./{ENVIRONMENT}",
        "  pytest --monitorpy=checks.yaml --monitorpy=custom.yaml --html=report.html --self-contained-html",
        "  monitorpy batch checks.yaml",
        "  monitorpy validate checks.yaml",
        '  monitorpy website "http://127.0.0.1:$LAB_HTTP/unavailable" --expected-status 200',
        "",
        "README.md there has more.",
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            stop.wait()
    finally:
        settings.unlink(missing_ok=True)
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()  # pytest writes to the same terminal
