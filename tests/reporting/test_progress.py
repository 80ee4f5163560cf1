import os
import re
import subprocess
import sys

import pytest

from monitorpy.reporting.progress import Progress

ON_A_TERMINAL = """
import sys
from monitorpy.core.result import CheckResult
from monitorpy.reporting.progress import Progress
with Progress(3, quiet="-q" in sys.argv) as progress:
    for status in ("success", "error", "success"):
        progress(CheckResult(status, "[red]\\x1b[2J"))
print("rich" in sys.modules, "done")
"""


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)


def test_a_plain_line_now_and_then_in_a_log(outcomes, capsys):
    outcomes.add("success").add("error", "refused").add("skipped")
    with Progress(3, every=0.0) as progress:
        for outcome in outcomes.outcomes:
            progress(outcome)
    assert capsys.readouterr() == (
        "",
        "monitorpy: 1 of 3 checks: 1 ok\nmonitorpy: 2 of 3 checks: 1 error, 1 ok\nmonitorpy: 3 of 3 checks: 1 error, 1 skipped, 1 ok\n",
    )


def test_a_short_run_says_nothing(outcomes, capsys):
    with Progress(1) as progress:
        progress(outcomes.add("success").outcomes[0])
    assert capsys.readouterr() == ("", "")


def test_quiet_says_nothing(outcomes, capsys):
    with Progress(1, quiet=True, every=0.0) as progress:
        progress(outcomes.add("success").outcomes[0])
    assert capsys.readouterr() == ("", "")


def on_terminal(*args, **environ):
    """What a process with a terminal of its own writes there."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    base = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "FORCE_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *args], stdin=slave, stdout=slave, stderr=slave, env={**base, "TERM": "xterm", **environ}
    )
    os.close(slave)
    written = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # how Linux tells that the other side is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(master)
    assert process.wait() == 0
    return written.decode()


def test_a_bar_on_a_terminal():
    written = on_terminal()
    assert "3/3" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert "1 error, 2 ok" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert "[red]" not in written
    assert written.endswith("True done\r\n")


def test_no_colour_keeps_the_bar():
    written = on_terminal(NO_COLOR="1")
    assert "3/3" in written
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", written)


@pytest.mark.parametrize(("args", "environ"), [(("-q",), {}), ((), {"CI": "true"}), ((), {"TERM": "dumb"})])
def test_no_bar(args, environ):
    assert on_terminal(*args, **environ) == "False done\r\n"


class Bar:
    """Stands for rich's, whose thread draws in the background."""

    def __init__(self):
        self.calls = []

    def start(self):
        self.calls.append("start")

    def update(self, task, **more):
        self.calls.append((task, more))

    def stop(self):
        self.calls.append("stop")


def test_the_bar_is_told_of_every_outcome_and_stopped_whatever_happens(outcomes, monkeypatch):
    bar = Bar()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("monitorpy.reporting.progress._bar", lambda total: (bar, total))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(KeyboardInterrupt), Progress(7) as progress:  # noqa: PT012 - what happens inside is what it must survive
        progress(outcomes.add("warning").outcomes[0])
        raise KeyboardInterrupt
    assert bar.calls == ["start", (7, {"advance": 1, "ended": "1 warning"}), "stop"]


def test_the_bar_is_that_of_rich():
    from monitorpy.reporting.progress import _bar

    bar, task = _bar(5)
    assert bar.tasks[task].total == 5
    assert bar.console.stderr
