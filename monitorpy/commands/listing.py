"""``monitorpy list``: the plugins there are. ``monitorpy schema``: the JSON Schema of check files."""

from __future__ import annotations

import argparse
import json

from monitorpy.core.registry import BUILTINS, registry


def configure_list(parser: argparse.ArgumentParser) -> None:
    parser.description = "List the plugins: their names in check files, their commands, what they check."
    parser.add_argument("--json", dest="as_json", action="store_true", help="with every required and optional key, as JSON")
    parser.set_defaults(run=run_list)


def run_list(args: argparse.Namespace) -> int:
    plugins = registry.get_all_plugins()
    if args.as_json:
        print(json.dumps(plugins, indent=2))
        return 0
    width = max(map(len, plugins))
    for name, entry in plugins.items():
        command = BUILTINS[name].cli_name if name in BUILTINS else registry.get(name).cli_name or name
        print(f"{name:<{width}}  monitorpy {command:<{width}}  {entry['description']}")
    return 0


def configure_schema(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the JSON Schema of check files, for editors."
    parser.epilog = "Example: monitorpy schema > monitorpy.schema.json"
    parser.set_defaults(run=run_schema)


def run_schema(_: argparse.Namespace) -> int:
    from monitorpy.checkfile.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0
