"""A check as a pytest item, against an ordinary parametrized test: CPU time of collecting, running and reporting it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import table

CONFTEST = """
from monitorpy import CheckResult, register_plugin

@register_plugin("instant")
def instant(config):
    return CheckResult.success("ok")
"""

TEST = """
import pytest

@pytest.mark.parametrize("n", range({number}))
def test_instant(n):
    assert n >= 0
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=4, help="runs of each, the best counts")
    parser.add_argument("more", nargs="*", help="further options for pytest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST)
        for number in (1, options.items):
            (folder / f"test_{number}.py").write_text(TEST.format(number=number))
            checks = [{"id": f"check {n}", "plugin": "instant", "config": {"n": n}} for n in range(number)]
            (folder / f"checks_{number}.json").write_text(json.dumps(checks))
        commands = {(kind, number): [form.format(number), *options.more] for kind, form in KINDS.items() for number in (1, options.items)}
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(options.runs):
            for key, arguments in commands.items():
                best[key] = min(best[key], cpu_seconds(arguments, folder))
    each = {kind: (best[kind, options.items] - best[kind, 1]) / options.items * 1e6 for kind in KINDS}
    table(("", "microseconds", "x test"), [(kind, each[kind], each[kind] / each["parametrized test"]) for kind in KINDS])


KINDS = {"parametrized test": "test_{}.py", "check": "--monitorpy=checks_{}.json"}


def cpu_seconds(arguments: list[str], folder: Path) -> float:
    """User and system time of one run of pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} exited with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
