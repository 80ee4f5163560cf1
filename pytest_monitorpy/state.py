"""What one pytest run knows about its checks; kept in ``config.stash``.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import gc
import os
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from pytest_monitorpy.options import SUFFIXES, Settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from monitorpy.core.spec import CheckSpec
    from monitorpy.utils.masking import Masker
    from pytest_monitorpy.prefetch import Prefetcher
    from pytest_monitorpy.report import Recorder
    from pytest_monitorpy.selection import Wanted


class State:
    """The state of one run.

    ``wanted`` are the files that were asked for, each with the names wanted of it (none: all of it), ``unseen`` those of
    them that pytest has not come to yet, ``missing`` the names that no check has; ``specs`` all checks of all files collected,
    ``dropped`` the number of those that hooks left out.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wanted: dict[Path, frozenset[str]] = {}
        self.unseen: set[Path] = set()
        self.missing: list[str] = []
        self.stdin: tuple[bytes, Path] | None = None
        self.specs: list[CheckSpec] = []
        self.dropped = 0
        self.prefetcher: Prefetcher | None = None
        self.frozen = False
        self.recorder: Recorder | None = None
        self._started = monotonic()
        self._registered = False

    def recording(self) -> Recorder:
        """The recorder, made when there is something to record."""
        if self.recorder is None:
            from pytest_monitorpy.report import Recorder

            self.recorder = Recorder(self._started)
        return self.recorder

    @cached_property
    def masker(self) -> Masker:
        """Hides the secrets of all checks, in what may come from any of them; asked for when all are collected."""
        from monitorpy.reporting.explain import masker_of_all

        return masker_of_all(self.specs)

    def is_check_file(self, path: Path, session: pytest.Session) -> bool:
        """Whether it was asked for, or is a positional path that looks like a check file."""
        if path in self.wanted:
            self.unseen.discard(path)
            return True
        if path.suffix not in SUFFIXES or not session.isinitpath(path):
            return False
        from monitorpy.checkfile.discovery import looks_like_checks

        return looks_like_checks(path)

    def all_found(self) -> None:
        """Raise pytest.UsageError when something that was asked for was not collected: nobody would miss it."""
        if missing := [*map(str, sorted(self.unseen)), *self.missing]:
            raise pytest.UsageError(*(f"not found: {each}" for each in missing))

    def register_plugins(self, config: pytest.Config) -> None:
        """Let conftest.py files and plugins register theirs, once; those that load later are called when they do.

        Raises CollectError with the frames of one that crashes.
        """
        __tracebackhide__ = True
        if self._registered:
            return
        from monitorpy.core.registry import registry
        from pytest_monitorpy.user_hooks import OUTCOMES

        try:
            config.hook.pytest_monitorpy_register.call_historic(kwargs={"registry": registry})
        except OUTCOMES as crash:
            from pytest_monitorpy.compat import crash_repr

            raise pytest.Collector.CollectError(str(crash_repr(crash))) from None
        self._registered = True

    def header(self) -> str | None:
        if not self.wanted:
            return None
        files = f"{len(self.wanted)} check file{'s' if len(self.wanted) > 1 else ''}"
        return f"monitorpy: {files}, {self.settings.workers} workers, {self.settings.per_host or 'any number'} per host"


STATE = pytest.StashKey[State]()


def exporters(config: pytest.Config) -> list[str]:
    """Who implements pytest_monitorpy_report_check; a conftest.py by its path below the root directory, the same on another machine."""
    names = [impl.plugin_name for impl in config.hook.pytest_monitorpy_report_check.get_hookimpls()]
    return [os.path.relpath(name, config.rootpath) if os.path.isabs(name) else name for name in names]  # noqa: PTH117


def set_up(config: pytest.Config) -> None:
    """Read the settings and make the wanted files arguments of pytest. Raises pytest.UsageError.

    When there is no positional path, the option stands in for it, and ini ``monitorpy_files`` comes on top.
    """
    state = config.stash[STATE] = State(read_settings(config))
    wanted = _asked(config, state)
    if not hasattr(config, "workerinput"):
        _must_be_writable("--monitorpy-json", state.settings.json)
        _must_be_writable("--monitorpy-html", state.settings.html)
    args = [] if config.getoption("monitorpy") and config.args_source is not config.ArgsSource.ARGS else config.args
    if not wanted and not any(arg.partition("::")[0].endswith(SUFFIXES) for arg in args):
        return
    from pytest_monitorpy.selection import WayIn, arranged

    state.wanted, config.args, inside = arranged(args, wanted, config.invocation_params.dir)
    state.unseen = set(state.wanted)
    if inside:
        config.pluginmanager.register(WayIn(inside), "monitorpy-way-in")


def thaw(config: pytest.Config) -> None:
    """Give back to the garbage collector what `run_ahead` took out of its sight."""
    if (state := config.stash.get(STATE, None)) is not None and state.frozen:
        gc.unfreeze()


def initial_paths(config: pytest.Config) -> list[str]:
    """The files named by the option, where they can be told before pytest is configured."""
    selectors = [s for s in config.known_args_namespace.monitorpy or () if s.partition("::")[0] != "-"]
    if not selectors:
        return []
    from pytest_monitorpy.selection import find

    try:
        return [str(w.path) for w in find(selectors, config.invocation_params.dir, "--monitorpy")]
    except pytest.UsageError:  # told by set_up(), when pytest can show it
        return []


def _asked(config: pytest.Config, state: State) -> list[Wanted]:
    selectors = config.getoption("monitorpy") or []
    ini = config.getini("monitorpy_files") if not selectors and config.args_source is not config.ArgsSource.ARGS else []
    if not selectors and not ini:
        return []
    from pytest_monitorpy.selection import Wanted, find, spool_stdin

    wanted: list[Wanted] = []
    for selector in selectors:
        if selector.partition("::")[0] == "-":
            state.stdin = state.stdin or spool_stdin(config)
            wanted.append(Wanted(state.stdin[1], selector.partition("::")[2]))
        else:
            wanted += find([selector], config.invocation_params.dir, "--monitorpy")
    ini_base = config.inipath.parent if config.inipath else config.rootpath
    return wanted + find(ini, ini_base, "ini monitorpy_files")


def _must_be_writable(option: str, path: Path | None) -> None:
    """Find out before the checks run that their results could not be written."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise pytest.UsageError(f"{option}: cannot write {path}: {error.strerror}") from None
