"""``monitorpy batch``: the checks of files, all at once, without pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TextIO

from monitorpy.checkfile.selection import select
from monitorpy.commands import EXIT, INTERRUPTED
from monitorpy.commands.files import load_all
from monitorpy.commands.outputs import STDOUT, Output, refuse_clashes
from monitorpy.core.batch_runner import DEFAULT_PER_HOST, DEFAULT_WORKERS, run_batch
from monitorpy.core.result import Outcome, Run
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import CheckFileError, Issue, UsageError
from monitorpy.reporting import github, json_report
from monitorpy.reporting.causes import root_causes
from monitorpy.reporting.progress import Progress
from monitorpy.reporting.text import report, wants_colour

_REPORTS = ("json", "ndjson", "junit", "html")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s FILE... [options]"
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
    out.add_argument("--html", metavar="FILE", help="one HTML page that needs nothing else")
    out.add_argument("--github", action="store_true", help="annotations beside the checks and a step summary, in GitHub Actions")
    loud = out.add_mutually_exclusive_group()
    loud.add_argument("-v", "--verbose", action="store_true", help="explain everything that is not good")
    loud.add_argument("-q", "--quiet", action="store_true", help="leave out what is good, and the progress")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    outputs = {f"--{name}": path for name in _REPORTS if (path := getattr(args, name)) is not None}
    files = load_all(args.files)
    refuse_clashes(outputs, [file.path for file in files])
    checks = [spec for file in files for spec in file.checks]
    _refuse_unknown_tags(args.tag, checks)
    chosen = select(checks, args.expression, args.tag)
    if not chosen:
        raise UsageError(f"no checks to run: none of {len(checks)} is selected")
    _refuse_fixtures(chosen, checks)
    if args.github:
        github.summary_file()  # find out now whether it can be written
    with ExitStack() as stack:
        result = _run(args, chosen, checks, {option: stack.enter_context(Output(option, path)) for option, path in outputs.items()})
    return _exit_code(result, args.fail_on)


def _exit_code(result: Run, fail_on: str) -> int:
    if result.interrupted:
        return INTERRUPTED
    if all(outcome.status == "skipped" for outcome in result.outcomes):
        print("monitorpy: every check is skipped: nothing was checked", file=sys.stderr)
    code = EXIT[result.status]
    return 0 if code == 1 and fail_on == "error" else code


def _run(args: argparse.Namespace, chosen: Sequence[CheckSpec], checks: Sequence[CheckSpec], outputs: Mapping[str, Output]) -> Run:
    lines = outputs.get("--ndjson")
    with Progress(len(chosen), quiet=args.quiet or args.ndjson == STDOUT) as progress:

        def ended(outcome: Outcome) -> None:
            progress(outcome)
            if lines is not None:
                lines.write(json_report.line(outcome))

        result = run_batch(chosen, known=checks, workers=args.workers, per_host=args.per_host, deadline=args.deadline, on_outcome=ended)
    texts = {
        "--json": lambda: json_report.document(result),
        "--junit": lambda: _junit(result, chosen),
        "--html": lambda: _html(result, len(checks) - len(chosen)),
    }
    problems = list(_write(outputs, texts))
    table = sys.stderr if STDOUT in (args.json, args.ndjson, args.junit, args.html) else sys.stdout
    verbosity = 1 if args.verbose else -1 if args.quiet else 0
    for line in report(result, chosen, verbosity=verbosity, colour=wants_colour(table)):
        print(line, file=table)
    if args.github:
        problems += _github(result, table)
    if problems:
        raise UsageError("\n".join(problems))
    return result


def _write(outputs: Mapping[str, Output], reports: Mapping[str, Callable[[], str]]) -> Iterator[str]:
    """Write all that can be written; yields what is wrong with the others."""
    for option in outputs.keys() & reports.keys():
        try:
            outputs[option].write(reports[option]())
        except UsageError as problem:
            yield str(problem)


def _junit(result: Run, chosen: Sequence[CheckSpec]) -> str:
    from monitorpy.reporting.junit import junit

    return junit(result, chosen)


def _html(result: Run, unselected: int) -> str:
    from monitorpy.reporting.html_report import html_report

    return html_report(result.to_dict(), notes=_notes(result), unselected=unselected)


def _github(result: Run, stream: TextIO) -> list[str]:
    """Publish; returns what is wrong."""
    document = result.to_dict()
    try:
        github.publish(document, root_causes(document["results"]), stream, notes=_notes(result))
    except UsageError as problem:
        return [str(problem)]
    return []


def _notes(result: Run) -> list[str]:
    return ["The run was interrupted."] if result.interrupted else []


def _refuse_unknown_tags(tags: Sequence[str], checks: Sequence[CheckSpec]) -> None:
    """A tag that is misspelt would quietly leave checks out."""
    known = sorted({tag for spec in checks for tag in spec.tags})
    for tag in tags:
        if tag not in known:
            raise UsageError(
                f"--tag: no check has the tag {tag!r}; " + (f"there are: {', '.join(known)}" if known else "there are no tags")
            )


def _refuse_fixtures(chosen: Sequence[CheckSpec], checks: Sequence[CheckSpec]) -> None:
    """Only pytest has fixtures. Raises CheckFileError for each check that would need one."""
    known = {spec.key: spec for spec in checks}
    wanted = {spec.key for spec in chosen}
    todo = list(chosen)
    for spec in todo:  # grows while it is walked
        more = [known[spec.scope, need] for need in spec.needs if (spec.scope, need) not in wanted]
        wanted |= {needed.key for needed in more}
        todo += more
    issues = [_needs_pytest(spec) for spec in todo if spec.fixture is not None and spec.skip is None]
    if issues:
        raise CheckFileError(issues)


def _needs_pytest(spec: CheckSpec) -> Issue:
    assert spec.source is not None  # it comes from a file
    message = f"check {spec.id!r} needs pytest: {spec.plugin} is a fixture. Run pytest --monitorpy={spec.scope}"
    return Issue(spec.source.file, spec.source.line, spec.source.column, message)


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
