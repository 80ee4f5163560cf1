"""One check by hand: ``monitorpy website https://example.org``. Prints a Nagios plugin line, or JSON."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from monitorpy.checkfile.scalars import substituted
from monitorpy.commands import COULD_NOT_CHECK, EXIT
from monitorpy.commands.flags import add_flags, config_from, fields
from monitorpy.core.batch_runner import run_batch
from monitorpy.core.plugin_base import MonitorPlugin
from monitorpy.core.registry import BUILTINS, registry
from monitorpy.core.result import CheckResult
from monitorpy.core.spec import CheckSpec, Retries
from monitorpy.errors import ConfigIssue, UsageError
from monitorpy.reporting import json_report
from monitorpy.reporting.explain import harmless
from monitorpy.reporting.nagios import nagios_line, nagios_word
from monitorpy.utils.masking import Masker

_TAKEN = ("--timeout", "--retries", "--severity", "--addresses", "--json", "--verbose", "--help", "--config")
_EXAMPLES: Mapping[str, str] = {
    "website_status": "website https://example.org --expected-status 200 --max-response-time warning=0.5,error=2",
    "ssl_certificate": "ssl example.org --warning-days 30",
    "dns_record": 'dns example.org MX --expected-value "10 mail.example.org."',
    "mail_server": "mail mail.example.org smtp --port 587 --use-tls --username me --password env:SMTP_PASSWORD",
    "tcp_port": r'tcp db.example.org 6379 --send "PING\r\n" --expect +PONG',
    "sample_monitor": "sample /backup/db.dump 93600",
}


def configure(parser: argparse.ArgumentParser, name: str, argv: Sequence[str]) -> None:
    """Add the arguments of the plugin of that name."""
    plugin = registry.get(name)
    required = [field.name.upper() for field in fields(plugin) if field.positional]
    parser.usage = " ".join(["%(prog)s", *required, "[options]"])
    parser.description = f"{plugin.get_description()} Exit code: 0 OK, 1 warning, 2 error, 3 could not check."
    example = _EXAMPLES.get(name) or " ".join([plugin.cli_name or name, *required])
    manual = f"; all keys are in docs/plugins/{name}/configuration.md" if name in BUILTINS else ""
    parser.epilog = f"Example: monitorpy {example}\n\nThe same in a check file: plugin: {name}{manual}."
    parser.formatter_class = _Format
    common = parser.add_argument_group("options of every check")
    common.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for one attempt, everything included (default 10)")
    common.add_argument("--retries", type=_count, default=0, metavar="N", help="further attempts after a failed connection or a timeout")
    common.add_argument("--severity", choices=("warning", "error"), default="error", help="the worst this check can become")
    common.add_argument("--addresses", choices=("one", "all"), default="one", help="try every address of the host")
    common.add_argument("--json", dest="as_json", action="store_true", help="print the result as a JSON object")
    common.add_argument("-v", "--verbose", action="store_true", help="print what was observed, too")
    add_flags(parser, plugin, argv, _TAKEN)
    parser.set_defaults(run=run, plugin=name)


class _Format(argparse.HelpFormatter):
    """Wraps everything but the epilog, whose example must stay in one line."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("Example: ") else super()._fill_text(text, width, indent)


def run(args: argparse.Namespace) -> int:
    plugin = registry.get(args.plugin)
    given = config_from(plugin, args)
    config = given.config
    if args.timeout is not None and "timeout" in (*plugin.get_required_config(), *plugin.get_optional_config()):
        config = {**config, "timeout": args.timeout}
    _validate(plugin, config, given.flags)
    spec = CheckSpec(
        id=args.plugin,
        plugin=args.plugin,
        config=config,
        timeout=args.timeout,
        retries=Retries(args.retries),
        severity=args.severity,
        addresses=args.addresses,
        masker=Masker(given.secrets),
    )
    run = run_batch([spec], workers=1, per_host=0)
    if run.interrupted:
        raise KeyboardInterrupt
    (result,) = run.outcomes
    assert isinstance(result, CheckResult)
    print(json_report.pretty(result) if args.as_json else _text(result, spec, args.verbose))
    return COULD_NOT_CHECK if nagios_word(result) == "UNKNOWN" else EXIT[result.status]


def _validate(plugin: type[MonitorPlugin], config: dict[str, object], flags: Mapping[str, str]) -> None:
    issues = [_in_words_of_flags(issue, flags) for issue in plugin(config).config_issues()]
    if issues:
        raise UsageError("\n".join(issues))


def _in_words_of_flags(issue: ConfigIssue, flags: Mapping[str, str]) -> str:
    """The mistake under the name of its flag, without advice on how to write YAML."""
    flag = flags.get(str(issue.loc[0])) if issue.loc else None
    message = issue.message.removesuffix(": remove the quotes").removesuffix(": quote it")
    return f"{flag}: {ConfigIssue(issue.loc[1:], message, issue.on_key)}" if flag else str(issue)


def _text(result: CheckResult, spec: CheckSpec, verbose: bool) -> str:
    """A Nagios plugin's output: on every line ``|`` would begin performance data, which only the first one has."""
    lines = []
    if verbose or not result.is_success():
        from monitorpy.reporting.explain import explain, shown_config

        explanation = explain(result, shown_config(spec), details=verbose)
        lines = explanation.lines() if verbose else list(explanation.verdict[1:])
    return "\n".join(map(harmless, [nagios_line(result), *(line.replace("|", "¦") for line in lines)]))


def _seconds(text: str) -> float:
    value = substituted(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86400:  # noqa: PLR2004 - a day
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, at most 86400, not {text!r}")
    return float(value)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:  # noqa: PLR2004 - as in check files
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 100, not {text!r}")
    return int(text)
