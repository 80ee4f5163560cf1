"""``monitorpy list``: the plugins there are. ``monitorpy schema``: the JSON Schema of check files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from monitorpy.core.registry import BUILTINS, registry
from monitorpy.reporting.explain import harmless, printable


def configure_list(parser: argparse.ArgumentParser) -> None:
    parser.description = "List the plugins: their names in check files, their commands, what they check."
    parser.add_argument("--json", dest="as_json", action="store_true", help="with every required and optional key, as JSON")
    parser.set_defaults(run=run_list)


def run_list(args: argparse.Namespace) -> int:
    plugins = dict(_plugins())
    if args.as_json:
        print(json.dumps(plugins, indent=2))
        return 0
    width = max(map(len, plugins))
    for name, entry in plugins.items():
        print(harmless(f"{name:<{width}}  monitorpy {entry['command']:<{width}}  {printable(entry['description'])}"))
    return 0


def _plugins() -> Iterator[tuple[str, dict[str, Any]]]:
    """What there is to say of each plugin; one of another package that does not load is named on standard error."""
    for name in registry.get_plugin_names():
        try:
            plugin = registry.get(name)
        except Exception as error:
            if name in BUILTINS:
                raise
            print(f"monitorpy: the plugin {name!r} cannot be loaded: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        yield (
            name,
            {
                "command": plugin.cli_name or name,
                "description": plugin.get_description(),
                "required_config": plugin.get_required_config(),
                "optional_config": plugin.get_optional_config(),
            },
        )


def configure_schema(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the JSON Schema of check files, for editors."
    parser.epilog = "Example: monitorpy schema > monitorpy.schema.json"
    parser.set_defaults(run=run_schema)


def run_schema(_: argparse.Namespace) -> int:
    from monitorpy.checkfile.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0
