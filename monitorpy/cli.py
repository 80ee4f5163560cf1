"""The command line: finds the command, has its arguments read, prints what it raises. No logic."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

from monitorpy import __version__
from monitorpy.commands import COULD_NOT_CHECK, INTERRUPTED
from monitorpy.core.registry import BUILTINS, registry
from monitorpy.errors import MonitorPyError, UsageError

_COMMANDS = {
    "batch": ("monitorpy.commands.batch", "configure", "run the checks of files, all at once"),
    "validate": ("monitorpy.commands.validate", "configure", "find every mistake in check files, without the network"),
    "demo": ("monitorpy.commands.demo", "configure", "see it all at work: servers, checks, a report"),
    "list": ("monitorpy.commands.listing", "configure_list", "list the plugins"),
    "schema": ("monitorpy.commands.listing", "configure_schema", "print the JSON Schema of check files"),
}
_EPILOG = """\
examples:
  monitorpy demo
  monitorpy website https://example.org --expected-status 200
  monitorpy batch checks.yaml --junit results.xml
  pytest --monitorpy=checks.yaml --html=report.html

exit codes: 0 success, 1 warning, 2 error, 3 could not check
"""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. A user's mistake is a message on standard error and 3, never a traceback."""
    argv = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a peer sent need not exist in the terminal's character set
    try:
        code = _run(argv)
        if sys.stdout is not None:  # it is None where the caller closed it
            sys.stdout.flush()
    except MonitorPyError as mistake:
        _say(f"monitorpy: {mistake}" if isinstance(mistake, UsageError) else str(mistake))
        return COULD_NOT_CHECK
    except KeyboardInterrupt:
        _say("monitorpy: interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # `monitorpy batch ... | head`: nobody reads on, which is no mistake
        _leave_stdout()
        return COULD_NOT_CHECK
    except Exception as crash:  # noqa: BLE001 - of ours: Python's own exit code for it, 1, would say "warning"
        if isinstance(crash, OSError) and crash.errno in _FULL:
            _leave_stdout()
            _say(f"monitorpy: the output cannot be written: {crash.strerror}")
        else:
            traceback.print_exc()
        return COULD_NOT_CHECK
    return code


def _run(argv: Sequence[str]) -> int:
    try:
        parser = build_parser(argv)
        if not argv:
            parser.print_help()
            return COULD_NOT_CHECK
        args = parser.parse_args(argv)
    except SystemExit as stop:  # argparse: --help, --version, a usage error
        return stop.code if isinstance(stop.code, int) else 0
    code: int = args.run(args)
    return code


class _Parser(argparse.ArgumentParser):
    """argparse that exits with 3 (its 2 would mean "error" here)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(COULD_NOT_CHECK, f"{self.prog}: error: {message}\n")


class _Command(_Parser):
    """The parser of one command: says what an unknown option may have meant, and takes files after options, too."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, rest = super().parse_known_args(args, namespace)
        if hasattr(found, "files"):  # argparse closes a list of positionals at the first option
            found.files += [argument for argument in rest if _is_positional(argument)]
            rest = [argument for argument in rest if not _is_positional(argument)]
        for argument in rest:
            self.error(f"unexpected {argument!r}" if _is_positional(argument) else self._unknown(argument.partition("=")[0]))
        return found, []

    def _unknown(self, option: str) -> str:
        known = [name for action in self._actions for name in action.option_strings]
        near = get_close_matches(option, known, 1)
        return f"there is no option {option}; " + (f"did you mean {near[0]}?" if near else f"see {self.prog} --help")


def _is_positional(argument: str) -> bool:
    return argument == "-" or not argument.startswith("-")


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with all commands by name, and the arguments of the one that is asked for."""
    chosen = next((argument for argument in argv if not argument.startswith("-")), None)
    parser = _Parser(
        prog="monitorpy",
        description="Monitoring as tests: checks in YAML, run in CI by pytest, in a batch, or one by hand.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"monitorpy {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=_Command, required=True)
    for name, (module, function, summary) in _COMMANDS.items():
        subparser = commands.add_parser(name, help=summary)
        if name == chosen:
            getattr(import_module(module), function)(subparser)
    for name, (plugin, summary) in _checks(chosen).items():
        subparser = commands.add_parser(name, help=summary)
        if name == chosen:
            _configure_check(subparser, plugin, argv)
    if chosen is not None and chosen not in commands.choices:
        parser.error(f"there is no command {chosen!r}; {_hint(chosen, list(commands.choices))}")
    return parser


def _configure_check(parser: argparse.ArgumentParser, plugin: str, argv: Sequence[str]) -> None:
    from monitorpy.commands.check import configure

    try:
        registry.get(plugin)
    except Exception as broken:
        if plugin in BUILTINS:
            raise
        parser.error(f"the plugin {plugin!r} cannot be loaded: {type(broken).__name__}: {broken}")
    configure(parser, plugin, argv)


def _checks(chosen: str | None) -> dict[str, tuple[str, str]]:
    """Commands of plugins: their plugin and its summary. Other packages are asked only where it may be one of theirs.

    A command that is taken stays what it is; the plugin is found by its name, unless that is taken too.
    """
    found = {builtin.cli_name: (name, builtin.summary) for name, builtin in BUILTINS.items()}
    if chosen is not None and chosen in BUILTINS:
        found[chosen] = (chosen, BUILTINS[chosen].summary)
    if chosen not in found and chosen not in _COMMANDS:
        for name in registry.get_plugin_names():
            if name not in BUILTINS:
                command, summary = _theirs(name)
                free = [each for each in (command, name) if each not in found and each not in _COMMANDS]
                for each in free[:1] if name != chosen else free:
                    found[each] = (name, summary)
    return found


def _theirs(name: str) -> tuple[str, str]:
    """Command and summary of another package's plugin; one that does not load is named with the reason."""
    try:
        plugin = registry.get(name)
    except Exception as error:  # noqa: BLE001 - a broken plugin of another package must not take our own commands away
        return name, f"does not load: {type(error).__name__}: {error}".replace("%", "%%")
    return plugin.cli_name or name, plugin.get_description().replace("%", "%%")


def _hint(chosen: str, commands: list[str]) -> str:
    if chosen.endswith((".yaml", ".yml", ".json")):
        return f"did you mean: monitorpy batch {chosen}"
    near = get_close_matches(chosen, commands, 1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(commands)}"


def _say(text: str) -> None:
    from monitorpy.reporting.explain import harmless

    print("\n".join(map(harmless, text.split("\n"))), file=sys.stderr)


def _leave_stdout() -> None:
    """Send what is still in the buffer nowhere: the interpreter would fail once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
