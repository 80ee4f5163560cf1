"""What one pytest run knows about its checks; kept in ``config.stash``.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_monitorpy import selection
from pytest_monitorpy.options import Settings, read_settings
from pytest_monitorpy.report import Recorder

if TYPE_CHECKING:
    from monitorpy.core.spec import CheckSpec
    from pytest_monitorpy.prefetch import Prefetcher


@dataclass(slots=True)
class State:
    """The state of one run.

    ``wanted`` are the files that were asked for by option or ini; ``only`` the names wanted of a file whose own
    argument pytest drops because a positional directory contains it; ``specs`` all checks of all files collected.
    """

    settings: Settings
    wanted: set[Path] = field(default_factory=set)
    only: dict[Path, set[str]] = field(default_factory=dict)
    stdin: tuple[str, Path] | None = None
    specs: list[CheckSpec] = field(default_factory=list)
    recorder: Recorder = field(default_factory=Recorder)
    prefetcher: Prefetcher | None = None
    registered: bool = False

    def register_plugins(self, config: pytest.Config) -> None:
        """Let conftest.py files and plugins register theirs, once; those that load later are called when they do."""
        if not self.registered:
            self.registered = True
            from monitorpy.core.registry import registry

            config.hook.pytest_monitorpy_register.call_historic(kwargs={"registry": registry})

    def header(self) -> str | None:
        if not self.wanted:
            return None
        files = f"{len(self.wanted)} check file{'s' if len(self.wanted) > 1 else ''}"
        return f"monitorpy: {files}, {self.settings.workers} workers, {self.settings.per_host or 'any number'} per host"


STATE = pytest.StashKey[State]()


def set_up(config: pytest.Config) -> None:
    """Read the settings and make the wanted files arguments of pytest. Raises pytest.UsageError."""
    state = config.stash[STATE] = State(read_settings(config))
    wanted = _asked(config, state)
    if state.settings.json is not None and not hasattr(config, "workerinput"):
        _must_be_writable(state.settings.json)
    if not wanted:
        return
    state.wanted = {w.path for w in wanted}
    if config.args_source is config.ArgsSource.ARGS:
        _note_names(config, state, wanted)
        config.args = [*config.args, *map(str, wanted)]
    elif config.getoption("monitorpy"):
        config.args = [*map(str, wanted)]
    else:
        config.args = [*config.args, *map(str, wanted)]


def initial_paths(config: pytest.Config) -> list[str]:
    """The files named by the option, where they can be told before pytest is configured."""
    selectors = [s for s in config.known_args_namespace.monitorpy or () if s != "-"]
    try:
        return [str(w.path) for w in selection.find(selectors, config.invocation_params.dir, "--monitorpy")]
    except pytest.UsageError:  # told by set_up(), when pytest can show it
        return []


def _asked(config: pytest.Config, state: State) -> list[selection.Wanted]:
    base, wanted = config.invocation_params.dir, []
    for selector in config.getoption("monitorpy") or ():
        if selector.partition("::")[0] == "-":
            state.stdin = state.stdin or selection.spool_stdin(config)
            wanted.append(selection.Wanted(state.stdin[1], selector[1:]))
        else:
            wanted += selection.find([selector], base, "--monitorpy")
    if not wanted and config.args_source is not config.ArgsSource.ARGS:
        ini_base = config.inipath.parent if config.inipath else config.rootpath
        wanted = selection.find(config.getini("monitorpy_files"), ini_base, "ini monitorpy_files")
    return wanted


def _note_names(config: pytest.Config, state: State, wanted: list[selection.Wanted]) -> None:
    positional = [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]
    for w in wanted:
        if w.name and any(path != w.path and w.path.is_relative_to(path) for path in positional):
            state.only.setdefault(w.path, set()).add(w.name.removeprefix("::"))
    for w in wanted:
        if not w.name or w.path in positional:
            state.only.pop(w.path, None)


def _must_be_writable(path: Path) -> None:
    """Find out before the checks run that their results could not be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise pytest.UsageError(f"--monitorpy-json: cannot write {path}: {error.strerror}") from None
