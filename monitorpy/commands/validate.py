"""``monitorpy validate``: every mistake in check files, without touching the network."""

from __future__ import annotations

import argparse

from monitorpy.commands.files import load_all


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s FILE... [options]"
    parser.description = "Read check files and report every mistake as file:line:column. Nothing is sent to the network."
    parser.epilog = "Exit code: 0 when all is well, 3 when there are mistakes. Example: monitorpy validate checks.yaml"
    parser.add_argument("files", nargs="+", metavar="FILE", help='check file, folder, quoted glob, or "-" for standard input')
    parser.add_argument("--no-secrets", action="store_true", help="leave ${secret:NAME} and ${file:PATH} unread")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    files = load_all(args.files, read_secrets=not args.no_secrets)
    checks = sum(len(file.checks) for file in files)
    print(f"{_count(checks, 'check')} in {_count(len(files), 'file')} {'is' if checks == 1 else 'are'} valid")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
