"""The command line: finds the command, has its arguments read, prints what it raises. No logic."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from monitorpy import __version__
from monitorpy.commands import COULD_NOT_CHECK, INTERRUPTED
from monitorpy.core.registry import BUILTINS, registry
from monitorpy.errors import MonitorPyError

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. A user's mistake is a message on standard error and 3, never a traceback."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        parser = _parser(argv)
        if not argv:
            parser.print_help()
            return COULD_NOT_CHECK
        args = parser.parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse: --help, --version, a usage error
        return int(stop.code or 0)
    except MonitorPyError as mistake:
        _say(str(mistake))
        return COULD_NOT_CHECK
    except KeyboardInterrupt:
        _say("monitorpy: interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # `monitorpy batch ... | head`: nobody reads on, which is no mistake
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_CHECK
    return code


class _Parser(argparse.ArgumentParser):
    """argparse that exits with 3 (its 2 would mean "error" here) and says what may have been meant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments: "):
            known = [option for action in self._all_actions() for option in action.option_strings]
            unknown = message.removeprefix("unrecognized arguments: ").split()[0].partition("=")[0]
            near = get_close_matches(unknown, known, 1) if unknown.startswith("-") else []
            message += f"; did you mean {near[0]}?" if near else ""
        self.print_usage(sys.stderr)
        self.exit(COULD_NOT_CHECK, f"{self.prog}: error: {message}\n")

    def _all_actions(self) -> list[argparse.Action]:
        """Our own and those of the chosen command, which alone has arguments."""
        found = list(self._actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - there is no public name
                found += [inner for parser in set(action.choices.values()) for inner in parser._actions]  # noqa: SLF001
        return found


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with all commands by name, and the arguments of the one that is asked for."""
    chosen = next((argument for argument in argv if not argument.startswith("-")), None)
    parser = _Parser(
        prog="monitorpy",
        description="Monitoring as tests: checks in YAML, run in CI by pytest, in a batch, or one by hand.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"monitorpy {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for name, (module, function, summary) in _COMMANDS.items():
        subparser = commands.add_parser(name, help=summary)
        if name == chosen:
            getattr(import_module(module), function)(subparser)
    for name, (plugin, summary) in _checks(chosen).items():
        subparser = commands.add_parser(name, help=summary)
        if name == chosen:
            from monitorpy.commands.check import configure

            configure(subparser, plugin, argv)
    if chosen is not None and chosen not in commands.choices:
        near = get_close_matches(chosen, commands.choices, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(commands.choices)}"
        parser.error(f"there is no command {chosen!r}; {hint}")
    return parser


def _checks(chosen: str | None) -> dict[str, tuple[str, str]]:
    """Commands of plugins: their plugin and its summary. Other packages are asked only where it may be one of theirs."""
    found = {builtin.cli_name: (name, builtin.summary) for name, builtin in BUILTINS.items()}
    if chosen is not None and chosen in BUILTINS:
        found[chosen] = (chosen, BUILTINS[chosen].summary)
    if chosen not in found and chosen not in _COMMANDS:
        for name in registry.get_plugin_names():
            if name not in BUILTINS:
                found |= _theirs(name)
    return found


def _theirs(name: str) -> dict[str, tuple[str, str]]:
    """The command of another package's plugin; one that does not load is named with the reason."""
    try:
        plugin = registry.get(name)
    except Exception as error:  # noqa: BLE001 - a broken plugin of another package must not take our own commands away
        return {name: (name, f"does not load: {type(error).__name__}: {error}".replace("%", "%%"))}
    return {plugin.cli_name or name: (name, plugin.get_description().replace("%", "%%"))}


def _say(text: str) -> None:
    print(text, file=sys.stderr)
