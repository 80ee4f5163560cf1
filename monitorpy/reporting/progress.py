"""How far a run is: a bar on a terminal, a plain line now and then in a log. Both go to standard error."""

from __future__ import annotations

import os
import sys
from collections import Counter
from time import monotonic
from types import TracebackType
from typing import Any, Self

from monitorpy.core.result import Outcome
from monitorpy.reporting.text import counts, word

EVERY = 10.0
"""Seconds between two plain lines."""


class Progress:
    """A context manager; call it with each outcome.

    Rich is imported for the bar only. FORCE_COLOR makes rich take a pipe for a terminal, so the terminal is asked here.
    """

    def __init__(self, total: int, *, quiet: bool = False, every: float = EVERY) -> None:
        self._total = total
        self._quiet = quiet
        self._every = every
        self._ended: Counter[str] = Counter()
        self._said = monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, outcome: Outcome) -> None:
        self._ended[word(outcome)] += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, ended=counts(self._ended))
        elif not self._quiet and monotonic() - self._said >= self._every:
            self._said = monotonic()
            print(f"monitorpy: {self._ended.total()} of {self._total} checks: {counts(self._ended)}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
            self._bar, self._task = _bar(self._total)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()


def _bar(total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[ended]}", markup=False))
    bar = Bar(*columns, console=console, transient=True)
    return bar, bar.add_task("checks", total=total, ended="")
