"""``monitorpy demo``: servers on loopback, a check file that shows everything, and a report to look at."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Start small servers on this machine, run a check file that shows every feature, and write an HTML report."
    parser.epilog = "Works offline. Some checks warn and some fail, as they are meant to; the exit code is 0 when all ended as meant."
    parser.add_argument(
        "--dir", type=Path, default=Path("monitorpy-demo"), metavar="FOLDER", help="where to write it (default %(default)s)"
    )
    parser.add_argument("--serve", action="store_true", help="keep the servers up and print what to try")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from monitorpy.checkfile.schema import json_schema
    from monitorpy.lab.demo import run_demo

    schema = {"monitorpy.schema.json": json.dumps(json_schema(), indent=1)}  # that checks.yaml names for editors
    return run_demo(args.dir, serve=args.serve, more=schema)
