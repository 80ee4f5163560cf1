"""What the benchmarks share: running commands, and a table."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path


def seconds(command: Sequence[str], *, cwd: Path | None = None, codes: Iterable[int] = (0,)) -> float:
    """Wall time of one run of a command; ends the benchmark if it does not exit with one of the codes."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - started
    if done.returncode not in codes:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return taken


def side_by_side(commands: dict[str, Sequence[str]], runs: int, *, cwd: Path | None = None) -> dict[str, float]:
    """The median wall time of each command, in seconds; run in turns, so that a busy moment of the machine hits all of them."""
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            found[name].append(seconds(command, cwd=cwd))
    return {name: statistics.median(times) for name, times in found.items()}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = [list(head), *([f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]))  # noqa: T201 - the output of a script
