"""``monitorpy batch``: the checks of files, all at once, without pytest."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from monitorpy.checkfile.selection import select
from monitorpy.commands import COULD_NOT_CHECK, EXIT, INTERRUPTED
from monitorpy.commands.files import load_all
from monitorpy.core.batch_runner import DEFAULT_PER_HOST, DEFAULT_WORKERS, run_batch
from monitorpy.core.result import Outcome, Run
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import UsageError
from monitorpy.reporting import json_report
from monitorpy.reporting.progress import Progress
from monitorpy.reporting.text import report, wants_colour

_WRITERS = ("json", "ndjson", "junit")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run the checks of check files, all at once."
    parser.epilog = (
        "Exit code: 0 all good, 1 warnings, 2 errors, 3 nothing could be checked (bad file, no checks), 130 Ctrl-C.\n"
        "Example: monitorpy batch checks.yaml --tag prod --junit results.xml --fail-on error"
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="+", metavar="FILE", help='check file, folder, quoted glob, or "-" for standard input')
    choose = parser.add_argument_group("which checks")
    choose.add_argument("-k", dest="expression", metavar="EXPR", help='words in id, group or tags: -k "web and not slow"')
    choose.add_argument("--tag", action="append", default=[], metavar="TAG", help="checks with this tag; repeatable, any of them")
    how = parser.add_argument_group("how")
    how.add_argument("--workers", type=_at_least(1), default=DEFAULT_WORKERS, metavar="N", help="checks at a time (default %(default)s)")
    how.add_argument(
        "--per-host",
        type=_at_least(0),
        default=DEFAULT_PER_HOST,
        metavar="N",
        help="of these at most so many on one host (default %(default)s, 0: no limit)",
    )
    how.add_argument("--deadline", type=_seconds, metavar="SECONDS", help="for the whole run; what has not ended by then is an error")
    how.add_argument("--fail-on", choices=("warning", "error"), default="warning", help="error: warnings leave the exit code at 0")
    out = parser.add_argument_group("reports (- is standard output)")
    out.add_argument("--json", metavar="FILE", help="all results as one JSON document")
    out.add_argument("--ndjson", metavar="FILE", help="each result as a line of JSON, as soon as it is there")
    out.add_argument("--junit", metavar="FILE", help="JUnit XML")
    out.add_argument("-v", "--verbose", action="store_true", help="explain everything that is not good")
    out.add_argument("-q", "--quiet", action="store_true", help="leave out what is good, and the progress")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    _check_outputs(args)
    checks = [spec for file in load_all(args.files) for spec in file.checks]
    fixtures = [spec for spec in checks if spec.fixture is not None]
    if fixtures:
        lines = (f"{spec.source}: {spec.id} needs pytest ({spec.plugin}): pytest --monitorpy={spec.scope}" for spec in fixtures)
        raise UsageError("\n".join(lines))
    chosen = select(checks, args.expression, args.tag)
    if not chosen:
        raise UsageError(f"no checks to run: none of {len(checks)} is selected" if checks else "no checks to run")
    return _exit_code(_run(args, chosen, checks), args.fail_on)


def _run(args: argparse.Namespace, chosen: list[CheckSpec], checks: list[CheckSpec]) -> Run:
    quiet = args.quiet
    with _stream(args.ndjson) as lines, Progress(len(chosen), quiet=quiet or args.ndjson == "-") as progress:

        def ended(outcome: Outcome) -> None:
            progress(outcome)
            if lines is not None:
                lines.write(json_report.line(outcome))
                lines.flush()

        result = run_batch(chosen, known=checks, workers=args.workers, per_host=args.per_host, deadline=args.deadline, on_outcome=ended)
    if args.json:
        _write(args.json, json_report.document(result))
    if args.junit:
        from monitorpy.reporting.junit import junit

        _write(args.junit, junit(result))
    table = sys.stderr if "-" in _outputs(args).values() else sys.stdout
    verbosity = 1 if args.verbose else -1 if quiet else 0
    for line in report(result, dict(enumerate(chosen)), verbosity=verbosity, colour=wants_colour(table)):
        print(line, file=table)
    return result


def _exit_code(result: Run, fail_on: str) -> int:
    if result.interrupted:
        return INTERRUPTED
    if all(outcome.status == "skipped" for outcome in result.outcomes):
        print("monitorpy: every check is skipped: nothing was checked", file=sys.stderr)
        return COULD_NOT_CHECK
    code = EXIT[result.status]
    return 0 if code == 1 and fail_on == "error" else code


def _outputs(args: argparse.Namespace) -> dict[str, str]:
    return {name: path for name in _WRITERS if (path := getattr(args, name))}


def _check_outputs(args: argparse.Namespace) -> None:
    """Find out before anything runs that a report cannot be written. Raises UsageError."""
    outputs = _outputs(args)
    if args.verbose and args.quiet:
        raise UsageError("-v and -q exclude each other")
    if list(outputs.values()).count("-") > 1:
        raise UsageError("only one of --json, --ndjson and --junit can go to standard output")
    for name, path in outputs.items():
        folder = Path(path).parent
        if path != "-" and (not folder.is_dir() or Path(path).is_dir() or not os.access(folder, os.W_OK)):
            raise UsageError(
                f"--{name}: {path} cannot be written: {'it is a folder' if Path(path).is_dir() else 'no such folder, or no permission'}"
            )


@contextmanager
def _stream(path: str | None) -> Iterator[IO[str] | None]:
    if path is None or path == "-":
        yield sys.stdout if path else None
    else:
        with Path(path).open("w", encoding="utf-8") as file:
            yield file


def _write(path: str, text: str) -> None:
    """Write a report; a file is there whole or not at all."""
    if path == "-":
        sys.stdout.write(text)
        return
    if Path(path).exists() and not Path(path).is_file():  # a pipe or a device
        Path(path).write_text(text, encoding="utf-8")
        return
    with NamedTemporaryFile("w", dir=Path(path).parent, prefix=".monitorpy-", delete=False, encoding="utf-8") as file:
        file.write(text)
    mask = os.umask(0)
    os.umask(mask)
    Path(file.name).chmod(0o666 & ~mask)  # a temporary file is for its owner only
    Path(file.name).replace(path)


def _at_least(minimum: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) <= 10_000:  # noqa: PLR2004 - threads
            raise argparse.ArgumentTypeError(f"must be a number from {minimum} to 10000, not {text!r}")
        return int(text)

    return number


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return value
